import { randomBytes } from 'node:crypto';
import { startPostgres } from '../local-postgres/local-postgres.js';
import { demonstrate } from './demo.js';
import { tokenFrom } from './edge.settings.js';

/** In production the token comes from outside. A demonstration may make one up. */
process.env.REMOTE_WORKER_TOKEN ??= randomBytes(32).toString('hex');

const database = process.env.DATABASE_URL ? undefined : await startPostgres();
try {
  const databaseUrl = process.env.DATABASE_URL ?? database!.url;
  const good = await demonstrate({ databaseUrl, token: tokenFrom(process.env) }, (line) =>
    console.log(line),
  );
  process.exitCode = good ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await database?.stop();
}
