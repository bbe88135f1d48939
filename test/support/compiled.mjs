import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFor, changedOf, keep, sourcesIn, swcOptions, TOP } from './kept.mjs';
import { packagesFolder } from './packages.mjs';
import { SOURCES } from './sources.mjs';

const FOLDERS = ['lib', 'migrations', 'sample', 'test'];
const COMPILED = cacheFor('compiled', ['swc.config.js']);

/** The file that a process of its own runs for this source, `sample/shop/main.ts` for example: without TypeScript it starts in half the time. */
export const compiled = (source) => {
  const isUrl = String(source).startsWith('file:');
  const name = isUrl ? relative(TOP, fileURLToPath(String(source))) : source;
  return join(COMPILED, name.replace(/\.ts$/, '.js'));
};

/** What a process of its own may load is compiled again where it has changed. Before a run, since a hundred of its processes load the same. */
export async function compileSources() {
  // Jest has set it; scripts that begin a server have not.
  process.env.SQ_TEST_PACKAGES ??= await packagesFolder();
  usePackages();
  const changed = changedOf(sourcesIn(FOLDERS), compiled);
  if (changed.length === 0) return;
  const { transformFile } = await import('@swc/core');
  const options = await swcOptions();
  options.jsc = { ...options.jsc, rewriteRelativeImportExtensions: true };
  await Promise.all(
    changed.map(async (source) => {
      const path = join(TOP, source);
      const code = source.endsWith('.ts')
        ? (await transformFile(path, options)).code
        : readFileSync(path);
      keep(source, compiled(source), code);
    }),
  );
  const { name, version, type } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8'));
  const doors = SOURCES.map(([door, source]) => [
    door.replace(name, '.'),
    `./${source.replace('.ts', '.js')}`,
  ]);
  const exports = Object.fromEntries(doors.filter(([door]) => door.startsWith('.')));
  writeFileSync(join(COMPILED, 'package.json'), JSON.stringify({ name, version, type, exports }));
}

/** In place of those that are installed, as Jest's resolver does it: a process starts in half the time. */
function usePackages() {
  const link = join(COMPILED, 'node_modules');
  mkdirSync(COMPILED, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join(process.env.SQ_TEST_PACKAGES ?? TOP, 'node_modules'), link);
}
