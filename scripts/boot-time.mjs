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
    const [own, alone] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      own.push(inProcess(url, true));
      alone.push(inProcess(url, false));
    }
    const fastest = (starts, key) => Math.min(...starts.map((start) => start[key]));
    const ms = fastest(own, 'behindPeersMs') - fastest(alone, 'behindPeersMs');
    return { ms: Math.round(ms), aloneMs: Math.round(fastest(alone, 'ms')) };
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

/** From the first import to an application that enqueues; and behind the imports of what it has anyway, which differ more from start to start than all of ours takes. */
async function startOnce(url, withQueue) {
  const startedAt = performance.now();
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { TypeOrmModule } = await import('@nestjs/typeorm');
  // TypeORM loads it when it connects.
  await import('pg');
  const peersAt = performance.now();
  const imports = [TypeOrmModule.forRoot({ type: 'postgres', url })];
  if (withQueue) {
    const { SimpleQueueModule } = await import('nestjs-simple-queue');
    imports.push(SimpleQueueModule.forRoot({ worker: false }));
  }
  class AppModule {}
  Module({ imports })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const endedAt = performance.now();
  await app.close();
  return { ms: endedAt - startedAt, behindPeersMs: endedAt - peersAt };
}
