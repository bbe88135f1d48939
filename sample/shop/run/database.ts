import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../local-postgres/local-postgres.js';
import { isAlive, killServer, serverPid } from '../../local-postgres/stale-servers.js';
import type { ShopCommand } from './command-line.js';
import { Complaint } from './complaint.js';

/** What outlives a shop: its data and the list of refused lines. In the temporary directory, which a server of any account may read. */
export const HOME = join(tmpdir(), `simple-queue-shop-${process.getuid?.() ?? 'of-mine'}`);
const DATA = join(HOME, 'postgres');

export interface Database {
  url: string;
  /** For the opening lines. */
  description: string;
  stop(): Promise<void>;
}

export async function openDatabase({ databaseUrl, once }: ShopCommand): Promise<Database> {
  mkdirSync(HOME, { recursive: true });
  if (databaseUrl) return openYours(databaseUrl);
  if (!once) endOrphan();
  const postgres = await startPostgres(
    once ? {} : { dataDir: DATA, persistent: true, durable: true },
  );
  const kept = once ? 'new, and gone at the end' : `kept in ${DATA}`;
  return {
    url: postgres.url,
    description: `embedded ${postgres.version}, ${kept}`,
    stop: () => postgres.stop(),
  };
}

/** Tried at once, so that a wrong URL is told in a line and not in a stack. */
async function openYours(url: string): Promise<Database> {
  if (!URL.canParse(url))
    throw new Complaint(
      'The database URL should look like postgres://user:password@host:5432/name.',
    );
  const { host, pathname } = new URL(url);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new Complaint(`The database at ${host}${pathname} can't be used: ${message || code}`);
  } finally {
    await client.end();
  }
  return { url, description: `yours, at ${host}${pathname}`, stop: () => Promise.resolve() };
}

/** A shop that was killed could not stop its server, and two servers can't share their data. */
function endOrphan(): void {
  const server = serverPid(DATA);
  if (!server) return;
  const owner = Number(readFileSync(join(DATA, 'owner.pid'), 'utf8'));
  if (isAlive(owner))
    throw new Complaint(
      `The shop runs already, as process ${owner}. Stop it, or give this one a --database-url.`,
    );
  killServer(server);
}
