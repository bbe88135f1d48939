// Installs what the bench compares, where the lock file has changed since: node bench/install.js
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(fileURLToPath(import.meta.url));
const lock = join(bench, 'package-lock.json');
/** npm writes it last. */
const installed = join(bench, 'node_modules', '.package-lock.json');

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  process.stderr.write('Installing the systems to compare (bench/node_modules) ...\n');
  // The peers ask for a newer Node than this one may be: they run on the one that comes with them.
  execFileSync('npm', ['ci', '--loglevel=error'], {
    cwd: bench,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
