import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

/** Builds the library for this run, apart from the one that is published: nothing else is disturbed, and nothing stale is measured. */
export function build() {
  const tsc = require.resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', bench], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The Node of that major version: npm's bare binary, else the one that runs this. */
export function nodeBinary(major) {
  const packaged = join(bench, 'node_modules', `node-${major}`, 'bin', 'node');
  if (existsSync(packaged)) return packaged;
  return Number(process.versions.node.split('.')[0]) === major ? process.execPath : undefined;
}
