import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Packs the built library into `folder`, as `npm publish` would. Sizes in bytes. */
export function pack(folder) {
  const answer = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename, size, unpackedSize, files }] = JSON.parse(answer);
  return {
    tarball: join(folder, filename),
    size,
    unpacked: unpackedSize,
    files: files.map(({ path }) => path),
  };
}
