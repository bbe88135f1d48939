// What the library adds to the start of a process that only enqueues: with it, and with Nest and
// TypeORM alone, in turns and each in a process of its own. Needs a build; run it by itself with:
//   node --import ./test/support/typescript.mjs scripts/boot-time.mjs
import { execFileSync } from 'node:child_process';

const FEWEST_ROUNDS = 4;
const MOST_ROUNDS = 20;
const NEVER = { ms: Infinity, cpuMs: Infinity };
const { SQ_BOOT_URL, SQ_BOOT_WITH } = process.env;

if (SQ_BOOT_URL) console.log(JSON.stringify(await startOnce(SQ_BOOT_URL, Boolean(SQ_BOOT_WITH))));
else if (process.argv[1] === import.meta.filename) console.log(await bootTime());

/**
 * In milliseconds, and as a share of the processor's time that Nest and TypeORM take alone: the first is
 * what people wait for, the second is much the same on a busy machine. Each is that of the fastest start,
 * since whatever else a machine does only ever makes one slower. Goes on until it is good enough.
 */
export async function bootTime(isGoodEnough = () => false) {
  const { anEmptyDatabase } = await import('../test/support/database.ts');
  const { aServer } = await import('../test/support/server.ts');
  const server = await aServer();
  const { url, drop } = await anEmptyDatabase(server.url);
  try {
    // The first start creates the tables, and fills the caches of the machine.
    inProcess(url, true);
    let [own, alone, found] = [NEVER, NEVER];
    for (let round = 1; round <= MOST_ROUNDS; round++) {
      own = fastest(own, inProcess(url, true));
      alone = fastest(alone, inProcess(url, false));
      found = {
        ms: Math.round(own.ms - alone.ms),
        share: own.cpuMs / alone.cpuMs - 1,
        aloneMs: Math.round(alone.ms),
      };
      if (round >= FEWEST_ROUNDS && isGoodEnough(found)) break;
    }
    return found;
  } finally {
    await drop();
    await server.stop();
  }
}

function fastest(one, other) {
  return { ms: Math.min(one.ms, other.ms), cpuMs: Math.min(one.cpuMs, other.cpuMs) };
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
  const cpu = process.cpuUsage();
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
  const { user, system } = process.cpuUsage(cpu);
  await app.close();
  return { ms, cpuMs: (user + system) / 1_000 };
}
