// Installs the packed library into applications of its users' kinds and runs them. Needs a build; run it with:
//   npm run consumers -- [application ...] [package@version ...]
// The packages take the place of those that the applications' lock files name, as in: nest-12-esm typeorm@0.3.20
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { anEmptyDatabase } from '../test/support/database.ts';
import { patient } from '../test/support/patience.mjs';
import { aServer } from '../test/support/server.ts';
import { pack } from './pack.mjs';

const HOME = 'test/consumers';
const SHARED = ['application', 'fresh'];
const CONSUMERS = readdirSync(HOME).filter((name) => !SHARED.includes(name));
const INSTALL = ['install', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];

const given = process.argv.slice(2);
const names = given.filter((word) => CONSUMERS.includes(word));
const packages = given.filter((word) => !CONSUMERS.includes(word));
for (const word of packages)
  assert(
    /^.+@.+$/.test(word),
    `${word} is no package@version, and none of ${CONSUMERS.join(', ')}`,
  );

const folder = mkdtempSync(join(tmpdir(), 'sq-consumers-'));
const server = await aServer();
try {
  const { tarball } = pack(folder);
  // Side by side: each waits for the registry a while.
  const all = (names.length > 0 ? names : CONSUMERS).map((name) => tryOut(name, tarball));
  for (const { value, reason } of await Promise.allSettled(all)) {
    console.log(value ?? reason);
    if (reason) process.exitCode = 1;
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}

async function tryOut(name, tarball) {
  const cwd = join(folder, name);
  const src = join(cwd, 'src');
  cpSync(join(HOME, name), cwd, { recursive: true });
  cpSync(join(HOME, 'fresh'), src, { recursive: true });
  const { url, drop } = await anEmptyDatabase(server.url);
  const run = runnerIn(cwd, url);
  try {
    await run('npm', ...INSTALL, '--no-audit', '--no-fund', tarball, ...packages);
  } catch (error) {
    if (await hasRegistry(run)) throw error;
    return `${name}: skipped, no package registry answers`;
  }
  await run('npx', '--no', '--', 'simple-queue', 'init', '--yes');
  // Only now, since `init` would see that they have the queue.
  cpSync(join(HOME, 'application'), src, { recursive: true });
  await run('node_modules/.bin/tsc', '-p', 'tsconfig.build.json');
  await run('node_modules/.bin/typeorm', 'migration:run', '-d', 'dist/data-source.js');
  const trials = await run(process.execPath, 'dist/application.js');
  await run('npm', 'test');
  await run('node_modules/.bin/typeorm', 'migration:revert', '-d', 'dist/data-source.js');
  assert.equal(await run(process.execPath, 'dist/main.js'), 'succeeded: Hello Ann!');
  const { queues } = JSON.parse(await run('npx', '--no', '--', 'simple-queue', 'queues', '--json'));
  assert(
    queues.some(({ queue }) => queue === 'greetings'),
    'The command line does not list the queue of the greetings.',
  );
  // Fails where the tables are not as this release makes them.
  const doctor = ['doctor', '--only', 'SCHEMA,SCHEMA_DRIFT', '--strict'];
  await run('npx', '--no', '--', 'simple-queue', ...doctor);
  await drop();
  return `${name}: ${trials}, all of it again in its test runner; init, migrations, command line`;
}

/** Asked after a failure, since npm tells of a missing registry as of a conflict of versions. */
async function hasRegistry(run) {
  const asked = run('npm', 'view', 'typeorm', 'version', '--prefer-online', '--fetch-retries=0');
  return asked.then(
    () => true,
    () => false,
  );
}

function runnerIn(cwd, url) {
  const env = { ...process.env, DATABASE_URL: url, NODE_OPTIONS: '' };
  const options = { cwd, env, timeout: patient(120_000) };
  return async (command, ...args) => {
    try {
      return (await promisify(execFile)(command, args, options)).stdout.trim();
    } catch (error) {
      const said = `${error.stdout}\n${error.stderr}`;
      throw new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${said}`);
    }
  };
}
