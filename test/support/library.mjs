import { join } from 'node:path';
import { cacheFor, changedOf, keep, sourcesIn, swcOptions, TOP } from './kept.mjs';
import { SOURCES } from './sources.mjs';

const FOLDERS = ['lib', 'migrations'];
const FOLDER = cacheFor(
  'library',
  ['swc.config.js', 'tsconfig.json', 'test/support/library.mjs'],
  TOP,
);
const LOADER = join(FOLDER, 'load.cjs');

/** Coverage is of modules that Jest itself has loaded. Its workers do not have its arguments. */
const isCounted = (process.env.SQ_TEST_COVERAGE ??= String(
  process.argv.some((word) => /^--(coverage|collect-?coverage)/i.test(word)),
));

/** What a test finds in place of a source of ours: the same exports, of a function that all test files of a worker have in common. */
export const doorOf = (source) =>
  isCounted === 'false' && FOLDERS.some((folder) => source.startsWith(`${folder}/`))
    ? doorFile(source)
    : undefined;

const doorFile = (source) => join(FOLDER, `${source}.door.cjs`);

const functionOf = (source) => join(FOLDER, `${source}.cjs`);

/**
 * Each source of ours as a function, since Node.js compiles a module again in each test file that imports it, and keeps it for as long as
 * the process lives: 300 of them for an application. No two of ours need each other, so the order in which they run is that of modules.
 */
export async function compileLibrary() {
  const changed = changedOf(sourcesIn(FOLDERS), functionOf);
  if (changed.length === 0) return;
  const { transformFile } = await import('@swc/core');
  const module = { type: 'commonjs', ignoreDynamic: true };
  const options = await swcOptions({ sourceMaps: 'inline', module });
  keep('test/support/library.mjs', LOADER, LOAD);
  await Promise.all(
    changed.map(async (source) => {
      const { code } = await transformFile(join(TOP, source), options);
      const door = `module.exports = require(${JSON.stringify(LOADER)})(${JSON.stringify(source)});`;
      keep(source, doorFile(source), door);
      keep(source, functionOf(source), asFunction(code));
    }),
  );
}

/** On the lines of the code, to which its map of sources belongs. */
function asFunction(code) {
  const [body, map = ''] = code.split(/^(?=\/\/# sourceMappingURL)/m);
  const importing = body.replace(/(?<![\w$.])import\(/g, 'importing(');
  return `(function (exports, require, __filename, importing) {${importing}\n})\n${map}`;
}

/** Runs in a test: `require` for the functions. What is not ours, Jest finds. */
const LOAD = `
const { posix } = require('node:path');
const other = require('node:module').createRequire(${JSON.stringify(join(TOP, 'lib/index.ts'))});
const OURS = new Map(${JSON.stringify(SOURCES)});
const functionOf = globalThis[Symbol.for('simple-queue packages')];
const modules = new Map();

function load(source) {
  if (modules.has(source)) return modules.get(source);
  const exports = {};
  modules.set(source, exports);
  const sourceOf = (request) =>
    request.startsWith('.')
      ? posix.join(posix.dirname(source), request).replace(/\\.js$/, '.ts')
      : OURS.get(request);
  const requireFrom = (request) => {
    const ours = sourceOf(request);
    return ours ? load(ours) : other(request);
  };
  const importing = async (request) => {
    const ours = sourceOf(request);
    return ours ? load(ours) : import(request);
  };
  try {
    const run = functionOf(${JSON.stringify(FOLDER)} + '/' + source + '.cjs');
    run.call(undefined, exports, requireFrom, ${JSON.stringify(TOP)} + source, importing);
    return exports;
  } catch (error) {
    modules.delete(source);
    throw error;
  }
}
module.exports = load;
`;
