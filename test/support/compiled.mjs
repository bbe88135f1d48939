import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagesFolder } from './packages.mjs';
import { SOURCES } from './sources.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['lib', 'migrations', 'sample', 'test'];
const SETTINGS = createHash('sha256')
  .update(readFileSync(join(TOP, 'swc.config.js')))
  .digest('hex')
  .slice(0, 16);
const COMPILED = join(TOP, `node_modules/.cache/simple-queue/compiled-${SETTINGS}`);

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
  const changed = FOLDERS.flatMap(sourcesIn).filter(hasChanged);
  if (changed.length === 0) return;
  const { transformFile } = await import('@swc/core');
  // Jest's transformer adds to the object that it was given.
  const { default: swc } = await import('../../swc.config.js?as-written');
  const jsc = { ...swc.jsc, rewriteRelativeImportExtensions: true };
  const options = { ...swc, jsc, swcrc: false, configFile: false };
  await Promise.all(
    changed.map(async (source) => {
      const path = join(TOP, source);
      const code = source.endsWith('.ts')
        ? (await transformFile(path, options)).code
        : readFileSync(path);
      keep(source, code);
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

const sourcesIn = (folder) =>
  readdirSync(join(TOP, folder), { recursive: true })
    .filter(
      (name) => /(?<!\.spec|\.d)\.(ts|mjs)$/.test(name) && !/^consumers|node_modules/.test(name),
    )
    .map((name) => join(folder, name));

const hasChanged = (source) =>
  statSync(join(TOP, source)).mtime.getTime() !==
  statSync(compiled(source), { throwIfNoEntry: false })?.mtime.getTime();

function keep(source, code) {
  const target = compiled(source);
  const { atime, mtime } = statSync(join(TOP, source));
  const draft = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(draft, code);
  utimesSync(draft, atime, mtime);
  renameSync(draft, target);
}
