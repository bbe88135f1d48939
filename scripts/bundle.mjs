// Joins the built library into one file for each of its doors and a few that they share. An
// application loads a dozen files instead of two hundred, and installs none of the packages that
// only the command line needs.
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import nodeResolve from '@rollup/plugin-node-resolve';
import { rollup } from 'rollup';
import { parseAst } from 'rollup/parseAst';
import { minify } from 'terser';
import ts from 'typescript';

const { exports, bin, dependencies = {}, peerDependencies } = readJson('package.json');
const doors = Object.values(exports).filter((door) => door.default);
const entries = [
  ...doors.map((door) => door.default),
  ...Object.values(bin).map((path) => `./${path}`),
];
const installed = Object.keys({ ...dependencies, ...peerDependencies });
/** cli-table3 takes it where it is installed, for colours that the command line does not use. */
const OPTIONAL = '@colors/colors/safe';
const MAIN = 'dist/lib/index.js';
/** What the first call loads that does more than enqueue, with what moves workflows on: one file. */
const LATER = [
  'storage/loaded-later',
  ...['advancer', 'adder', 'retried', 'workflow-wait'].map((name) => `workflows/${name}`),
].map((name) => `dist/lib/${name}.js`);
/** What a process with a spool loads: one file as well. */
const SPOOL = ['enqueue/spooling', 'storage/connection/spool-of', 'spool/survey'].map((name) => `dist/lib/${name}.js`); // prettier-ignore
/** What others share with the main door, by the name of its file: the first that needs a module has it. */
const SHARED = [
  ['plain', 'dist/lib/redis.js'],
  ['storage', bin['simple-queue'], ...LATER],
  ['core', MAIN],
];
/** Of terser's; nothing that moves code into other functions, or takes the name of one away. */
const SHORTER = {
  ...{ defaults: false, join_vars: true, sequences: true, if_return: true, conditionals: true },
  ...{ booleans: true, comparisons: true, properties: true, computed_props: true, typeofs: true },
  ...{ evaluate: true, dead_code: true, arrows: true, loops: true, switches: true },
  ...{ side_effects: true, hoist_props: true, lhs_constants: true },
  ...{ collapse_vars: true, reduce_vars: true, unused: true, passes: 3 },
  ...{ inline: false, reduce_funcs: false, keep_fnames: true, keep_classnames: true },
};
let reached;
let loadedLater;
let ofSpool;

const bundle = await rollup({
  input: Object.fromEntries(entries.map((path) => [path.replace(/^\.\/dist\/|\.js$/g, ''), path])),
  external: (id) => isBuiltin(id) || installed.some((name) => `${id}/`.startsWith(`${name}/`)),
  plugins: [
    nodeResolve({ exportConditions: ['node'] }),
    commonjs({ ignore: [OPTIONAL] }),
    { name: 'the page as text', load: pageAsText },
    { name: 'statements without indents', transform: withoutIndents },
    { name: 'without comments', renderChunk: withoutComments },
  ],
  onwarn: refuse,
});
// What the page is made of travels as text.
const licences = licencesOf([...bundle.watchFiles, resolve('node_modules/preact/package.json')]);
for (const path of replaced()) rmSync(path);
await bundle.write({
  dir: 'dist',
  format: 'esm',
  chunkFileNames: 'lib/chunks/[name].js',
  manualChunks: sharedFile,
  // For browsers, which would load them side by side: every entry would name what its chunks import.
  hoistTransitiveImports: false,
});
await bundle.close();
for (const path of Object.values(bin)) chmodSync(path, 0o755);
writeFileSync(join(dirname(bin['simple-queue']), 'LICENSES.txt'), licences);

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Comments stand in the repository, and in the types. Names stay, and those of functions and classes: a stack trace is read by people. */
async function withoutComments(code) {
  const format = { semicolons: false, comments: false, ascii_only: true };
  const minified = await minify(code, {
    module: true,
    // Shorter statements only: what a stack trace names stays as it was written.
    ecma: 2022,
    compress: SHORTER,
    mangle: { keep_fnames: true, keep_classnames: true },
    format,
  });
  return withLines(minified.code);
}

/**
 * The ends of lines in templates as they are: an escape is twice as long, and there are thousands. Not where a function sees how they were written.
 * A string with such ends becomes a template.
 */
function withLines(code) {
  const texts = [];
  const visit = (node) => {
    if (!node || typeof node !== 'object' || node.type === 'TaggedTemplateExpression') return;
    const isText =
      typeof node.value === 'string' && node.value.includes('\n') && !/`|\$\{/.test(node.value);
    if (node.type === 'TemplateElement' || (node.type === 'Literal' && isText)) texts.push(node);
    else if (node.type === 'Property' && !node.computed) visit(node.value);
    else Object.values(node).forEach(visit);
  };
  visit(parseAst(code));
  let text = code;
  for (const { type, start, end } of texts.sort((one, other) => other.start - one.start)) {
    const lines = text.slice(start, end).replace(/(?<!\\)((?:\\\\)*)\\n/g, '$1\n');
    text =
      text.slice(0, start) +
      (type === 'Literal' ? `\`${lines.slice(1, -1)}\`` : lines) +
      text.slice(end);
  }
  return text;
}

/** An application that is bundled itself, or that lies where no files are read, has its dashboard as well. */
function pageAsText(id) {
  if (!id.endsWith('/dist/lib/dashboard/page-files.js')) return null;
  const files = Object.fromEntries(
    ['page.js', 'page.css'].map((name) => [name, readFileSync(join('dist/page', name), 'utf8')]),
  );
  return `export const pageFiles = async () => (${JSON.stringify(files)});`;
}

/** The schema is named a thousand times: `~~.`, and some words hundreds of times: `~~t`, `~~m` and more, in what goes through `inSchema` alone. The lines of a statement stay: a server counts them where it reports an error. */
function withoutIndents(code, id) {
  const isSchema = /\/dist\/migrations\/(?!schema|expected-schema|migrations|script|roles)/.test(
    id,
  );
  if (!isSchema && !/\/dist\/lib\/storage\/.*\.sql\.js$/.test(id)) return null;
  if (/~~[.tmlse]/.test(code)) throw new Error(`${id} has what stands for other words.`);
  const shorter = code.replaceAll('simple_queue.', '~~.');
  // What the server keeps of the schema is compared with what was written.
  if (isSchema) return shorter;
  return shorter
    .replaceAll('statement_timestamp()', '~~t')
    .replaceAll('as materialized', '~~m')
    .replaceAll('cross join lateral', '~~l')
    .replaceAll('shard = $1 and', '~~s')
    .replaceAll('exists (select from', '~~e')
    .split('\n')
    .map((line) => withoutSpaces(line.trimStart()))
    .join('\n');
}

/** Behind a comma, around signs between names, and beside parentheses, outside of quotes: there are thousands. */
function withoutSpaces(line) {
  const parts = line.split("'");
  if (parts.length % 2 === 0) return line;
  const shorter = (text) =>
    text
      .replaceAll(', ', ',')
      .replace(/(?<=[\w)]) (=|<=?|>=?|<>|\|\||\+|\*|[-#]>>?) (?=[\w(]|\$\d|$)/g, '$1')
      .replace(/(?<=[\w}]) (?=\()|(?<=\)) (?=\w)/g, '');
  return parts.map((part, at) => (at % 2 ? part : shorter(part))).join("'");
}

/**
 * What the main door needs is three files, since each costs a start some time. What Redis and the command line share with it are two of them,
 * since they load no Nest. What is loaded later is mostly one.
 */
function sharedFile(id, { getModuleInfo }) {
  const from = (doors) => doors.reduce((ids, door) => reachedFrom(resolve(door), getModuleInfo, ids), new Set()); // prettier-ignore
  reached ??= SHARED.map(([, ...doors]) => from(doors));
  loadedLater ??= from(LATER);
  ofSpool ??= from(SPOOL);
  if (id === resolve(MAIN)) return undefined;
  if (reached.at(-1).has(id)) return SHARED[reached.findIndex((ids) => ids.has(id))][0];
  if (loadedLater.has(id)) return 'loaded-later';
  return ofSpool.has(id) ? 'spool' : undefined;
}

function reachedFrom(id, getModuleInfo, ids = new Set()) {
  const { isExternal, importedIds, dynamicallyImportedIds } = getModuleInfo(id);
  if (ids.has(id) || isExternal) return ids;
  ids.add(id);
  const isCommand = id.includes('/dist/lib/cli/');
  for (const next of [...importedIds, ...(isCommand ? dynamicallyImportedIds : [])])
    reachedFrom(next, getModuleInfo, ids);
  return ids;
}

/** What TypeScript writes before each decorator asks for a `this` that modules do not have. */
function refuse({ code, message }) {
  if (code !== 'THIS_IS_UNDEFINED') throw new Error(message);
}

/** All that was built, but the types that a door leads to. */
function replaced() {
  const types = ts.createProgram(
    doors.map((door) => door.types),
    { module: ts.ModuleKind.NodeNext, skipLibCheck: true },
  );
  const kept = new Set(types.getSourceFiles().map(({ fileName }) => resolve(fileName)));
  return ['dist/lib', 'dist/migrations'].flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .map((name) => resolve(folder, name))
      .filter((path) => /\.(js|ts)$/.test(path) && !kept.has(path)),
  );
}

/** Packages under the very same words, however broken into lines and quoted, follow each other, each with its copyright, and the words stand once. */
function licencesOf(files) {
  const folders = files.map((path) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const byWords = new Map();
  for (const { name, copyright, words } of [...new Set(folders)]
    .filter(Boolean)
    .sort()
    .map(licenceIn)) {
    const key = words.toLowerCase().replace(/[^a-z0-9]+/g, ' ').trim(); // prettier-ignore
    const known = byWords.get(key) ?? { words, names: [] };
    byWords.set(key, { ...known, names: [...known.names, `${name}\n${copyright}`.trim()] });
  }
  return [...byWords.values()]
    .map(({ names, words }) => [...names, words].join('\n\n'))
    .join('\n\n\n');
}

function licenceIn(folder) {
  const { name, version, license } = readJson(join(folder, 'package.json'));
  const file = readdirSync(folder).find((path) => /^licen[cs]e/i.test(path));
  if (!file) throw new Error(`${name} is bundled, and has no file with its licence.`);
  const lines = readFileSync(join(folder, file), 'utf8').trim().split('\n');
  const isOwn = (line) =>
    /^\s*(Copyright |\(?(The )?MIT [Ll]icense\)?(\s*\(\w+( License)?\))?\s*$|# )/.test(line);
  return {
    name: `${name} ${version} (${license})`,
    copyright: lines.filter(isOwn).join('\n'),
    words: lines
      .filter((line) => !isOwn(line))
      .join('\n')
      .trim(),
  };
}
