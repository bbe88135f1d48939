// Installs the packed library into applications of its users' kinds and runs them. Needs a build; run it with:
//   node --import ./test/support/typescript.mjs scripts/consumers.mjs
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { anEmptyDatabase } from '../test/support/database.ts';
import { aServer } from '../test/support/server.ts';
import { pack } from './pack.mjs';

const CONSUMERS = ['nest-11-cjs', 'nest-12-esm'];
const folder = mkdtempSync(join(tmpdir(), 'sq-consumers-'));
const server = await aServer();
try {
  const { tarball } = pack(folder);
  // Side by side: each waits for the registry a while.
  for (const told of await Promise.all(CONSUMERS.map((name) => tryOut(name, tarball))))
    console.log(told);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}

async function tryOut(name, tarball) {
  const cwd = join(folder, name);
  for (const part of ['application', name])
    cpSync(join('test/consumers', part), cwd, { recursive: true });
  // An application in a folder of its own, since `init` sees that the other one has the queue.
  cpSync(join(cwd, 'package.json'), join(cwd, 'fresh/package.json'));
  const { url, drop } = await anEmptyDatabase(server.url);
  const run = runnerIn(cwd, url);
  await run(
    'npm',
    'install',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    tarball,
  );
  await run('npx', '--no', '--', 'simple-queue', 'init', 'fresh', '--yes');
  await run('npx', '--no', '--', 'tsc');
  const trials = await run(process.execPath, 'dist/application.js');
  assert.equal(await run(process.execPath, 'dist/fresh/src/main.js'), 'succeeded: Hello Ann!');
  const { queues } = JSON.parse(await run('npx', '--no', '--', 'simple-queue', 'queues', '--json'));
  assert(
    queues.some(({ queue }) => queue === 'greetings'),
    'The command line does not list the queue of the greetings.',
  );
  // Fails where the tables are not as this release makes them.
  await run(
    'npx',
    '--no',
    '--',
    'simple-queue',
    'doctor',
    '--only',
    'SCHEMA,SCHEMA_DRIFT',
    '--strict',
  );
  await drop();
  return `${name}: ${trials}, init, command line`;
}

function runnerIn(cwd, url) {
  const env = { ...process.env, DATABASE_URL: url, NODE_OPTIONS: '' };
  return async (command, ...args) => {
    try {
      return (
        await promisify(execFile)(command, args, { cwd, env, timeout: 120_000 })
      ).stdout.trim();
    } catch (error) {
      throw new Error(
        `${command} ${args.join(' ')} failed in ${cwd}:\n${error.stdout}\n${error.stderr}`,
      );
    }
  };
}
