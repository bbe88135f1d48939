// How long an application under test takes to start, on a database whose tables are there already:
//   node --import ./test/support/typescript.mjs scripts/test-boot.mjs
// Each process starts it twice: the first time pays for compiling the code, as the first spec of a test process does.
import 'reflect-metadata';
import { spawnSync } from 'node:child_process';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SimpleQueueTestingModule } from '../lib/testing/testing.ts';
import { anEmptyDatabase } from '../test/support/database.ts';
import { aServer } from '../test/support/server.ts';

const PROCESSES = 9;
const { SQ_BOOT_URL } = process.env;
if (SQ_BOOT_URL)
  console.log(JSON.stringify({ first: await boot(SQ_BOOT_URL), second: await boot(SQ_BOOT_URL) }));
else await measure();

async function boot(url) {
  const startedAt = performance.now();
  const app = await Test.createTestingModule({
    imports: [TypeOrmModule.forRoot({ type: 'postgres', url }), SimpleQueueTestingModule.forRoot()],
  }).compile();
  app.useLogger(false);
  await app.init();
  const ms = performance.now() - startedAt;
  await app.close();
  return ms;
}

async function measure() {
  const server = await aServer();
  try {
    const { url, drop } = await anEmptyDatabase(server.url);
    console.log(`making the tables: ${Math.round(await boot(url))} ms`);
    const runs = Array.from({ length: PROCESSES }, () => inProcess(url));
    console.log(`first start of a process: ${spread(runs.map(({ first }) => first))}`);
    console.log(`further starts: ${spread(runs.map(({ second }) => second))}`);
    await drop();
  } finally {
    await server.stop();
  }
}

function inProcess(url) {
  const { stdout } = spawnSync(process.execPath, [...process.execArgv, import.meta.filename], {
    env: { ...process.env, SQ_BOOT_URL: url },
    encoding: 'utf8',
  });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

function spread(values) {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  return `median ${sorted[sorted.length >> 1]} ms, slowest ${sorted.at(-1)} ms of ${sorted.length}`;
}
