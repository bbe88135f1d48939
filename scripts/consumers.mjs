// Installs the packed library into applications of its users' kinds and runs them. Needs a build; run it with:
//   node --import ./test/support/typescript.mjs scripts/consumers.mjs
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aDatabase } from '../test/support/database.ts';
import { aServer } from '../test/support/server.ts';
import { pack } from './pack.mjs';

const CONSUMERS = 'test/consumers';
const folder = mkdtempSync(join(tmpdir(), 'sq-consumers-'));
const server = await aServer();
try {
  const { tarball } = pack(folder);
  for (const { name } of readdirSync(CONSUMERS, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const { url, drop } = await aDatabase(server.url);
    console.log(`${name}: ${tryOut(name, tarball, url).trim()}`);
    await drop();
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}

function tryOut(name, tarball, url) {
  const cwd = join(folder, name);
  cpSync(join(CONSUMERS, name), cwd, { recursive: true });
  copyFileSync(join(CONSUMERS, 'application.ts'), join(cwd, 'application.ts'));
  run(cwd, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', tarball);
  run(cwd, 'npx', '--no', 'tsc');
  return run(cwd, process.execPath, 'dist/application.js');

  function run(cwd, command, ...args) {
    const env = { ...process.env, DATABASE_URL: url, NODE_OPTIONS: '' };
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000 });
  }
}
