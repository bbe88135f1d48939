// What the library adds to the start of a process that only enqueues: with it, and with Nest and
// TypeORM alone, in turns and each in a process of its own. Needs a build; run it by itself with:
//   node --import ./test/support/typescript.mjs scripts/boot-time.mjs
import { execFileSync } from 'node:child_process';

const ROUNDS = 6;
const { SQ_BOOT_URL, SQ_BOOT_WITH } = process.env;

if (SQ_BOOT_URL) console.log(JSON.stringify(await startOnce(SQ_BOOT_URL, Boolean(SQ_BOOT_WITH))));
else if (process.argv[1] === import.meta.filename) console.log(await bootTime());

/**
 * In milliseconds, of the fastest start: whatever else a machine does only ever makes one slower.
 */
export async function bootTime() {
  const { anEmptyDatabase } = await import('../test/support/database.ts');
  const { aServer } = await import('../test/support/server.ts');
  const server = await aServer();
  const { url, drop } = await anEmptyDatabase(server.url);
  try {
    // The first start creates the tables, and fills the caches of the machine.
    inProcess(url, true);
    let [own, alone] = [Infinity, Infinity];
    for (let round = 0; round < ROUNDS; round++) {
      own = Math.min(own, inProcess(url, true));
      alone = Math.min(alone, inProcess(url, false));
    }
    return { ms: Math.round(own - alone), aloneMs: Math.round(alone) };
  } finally {
    await drop();
    await server.stop();
  }
}

function inProcess(url, withQueue) {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    SQ_BOOT_URL: url,
    SQ_BOOT_WITH: withQueue ? 'yes' : '',
  };
  return JSON.parse(
    execFileSync(process.execPath, [import.meta.filename], { env, encoding: 'utf8' }),
  );
}

/** From the first import to an application that enqueues; what is imported counts. */
async function startOnce(url, withQueue) {
  const startedAt = performance.now();
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { TypeOrmModule } = await import('@nestjs/typeorm');
  const imports = [TypeOrmModule.forRoot({ type: 'postgres', url })];
  if (withQueue) {
    const { SimpleQueueModule } = await import('nestjs-simple-queue');
    imports.push(SimpleQueueModule.forRoot({ worker: false }));
  }
  class AppModule {}
  Module({ imports })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const ms = performance.now() - startedAt;
  await app.close();
  return ms;
}
