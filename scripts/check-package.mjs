// Checks what would be published, not what lies in dist/: packs the built library and asks publint and attw about the tarball.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './pack.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sq-package-'));
try {
  const { tarball, size, files } = pack(folder);
  run('publint', 'run', tarball, '--strict');
  run('attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-summary');
  refuseStrays(files);
  const main = Object.keys(await import('nestjs-simple-queue'));
  console.log(`${main.length} exports of the main entry, ${(size / 1024).toFixed(1)} KiB packed, ${files.length} files.`);
} finally {
  rmSync(folder, { recursive: true });
}

function run(...command) {
  execFileSync('npx', ['--no', ...command], { stdio: 'inherit' });
}

/** `files` is a list of folders: a build of something else into them would be published too. */
function refuseStrays(files) {
  const strays = files.filter(
    (path) => !/^(dist\/(lib|migrations)\/.+\.(js|d\.ts)|package\.json|(README|CHANGELOG)\.md|LICENSE)$/.test(path),
  );
  if (strays.length > 0) throw new Error(`Not meant to be published: ${strays.join(', ')}`);
}
