import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Most test files and processes of tests load them, each again: 1,500 files that were found, read and compiled one by one. */
const PACKAGES = [
  'reflect-metadata',
  'rxjs',
  'rxjs/operators',
  'pg',
  'typeorm',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@nestjs/testing',
  '@nestjs/typeorm',
];
const HERE = fileURLToPath(import.meta.url);
const TOP = join(dirname(HERE), '../..');
const CACHE = join(TOP, 'node_modules/.cache/simple-queue');
const MINIFY = { compress: false, mangle: false, format: { comments: false } };

const read = (path) => readFileSync(path, 'utf8');

/**
 * A folder that has these packages and all that they load as one file per package, in which each of its files is a function.
 * `paths.json` says what in the folder stands for which file of a package; `node_modules` is for processes without Jest. Made once for a
 * package-lock.json, where it is: its paths are whole.
 */
export async function packagesFolder() {
  const key = createHash('sha256').update(process.version).update(TOP);
  for (const path of [HERE, join(TOP, 'package-lock.json')]) key.update(read(path));
  const folder = join(CACHE, `packages-${key.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  await write(draft, folder);
  try {
    renameSync(draft, folder);
    spawnSync(process.execPath, [join(folder, 'warm.cjs')]);
  } catch (error) {
    // Another run may have been faster.
    if (!existsSync(folder)) throw error;
    rmSync(draft, { recursive: true });
  }
  return folder;
}

async function write(draft, folder) {
  const files = await reachedFrom(PACKAGES.map(pathOf));
  const bodies = new Map();
  const paths = {};
  for (const [id, { path, name, version, body, links }] of files.entries()) {
    if (!bodies.has(name)) bodies.set(name, []);
    bodies.get(name).push(`${id}:[${asFunction(body)},${JSON.stringify(links)}]`);
    paths[path] = join(folder, name, `${id}.cjs`);
    mkdirSync(join(draft, name), { recursive: true });
    writeFileSync(join(draft, name, 'package.json'), JSON.stringify({ name, version }));
    writeFileSync(
      join(draft, name, `${id}.cjs`),
      `module.exports = require('${folder}/load.cjs')(${id});`,
    );
  }
  for (const [name, texts] of bodies)
    writeFileSync(join(draft, name, 'all.cjs'), `({\n${texts.join(',\n')}\n})`);
  // What packages have for `import` only hands on what they have for `require`.
  for (const name of PACKAGES)
    paths[fileURLToPath(import.meta.resolve(name))] = paths[pathOf(name)];
  writeFileSync(join(draft, 'paths.json'), JSON.stringify(paths));
  const places = files.map(({ path, name }) => [path, join(folder, name, 'all.cjs')]);
  writeFileSync(join(draft, 'load.cjs'), `const FILES = ${JSON.stringify(places)};\n${LOAD}`);
  for (const name of PACKAGES) await writeDoor(draft, name, paths);
  const entries = PACKAGES.map((name) => paths[pathOf(name)]);
  writeFileSync(join(draft, 'warm.cjs'), WARM.replace('ENTRIES', JSON.stringify(entries)));
}

/** What a process finds in place of the package, from a folder whose `node_modules` are these. */
async function writeDoor(draft, name, paths) {
  const [, owner, inner = '/index'] = /^((?:@[^/]+\/)?[^/]+)(\/.+)?$/.exec(name);
  const folder = join(draft, 'node_modules', owner);
  // Node.js 24 names what a package is for `require` as well: "module.exports".
  const names = Object.keys(await import(name)).filter((key) => /^(?!default$)[\w$]+$/.test(key));
  mkdirSync(folder, { recursive: true });
  const exports = Object.fromEntries(
    PACKAGES.filter((other) => other === owner || other.startsWith(`${owner}/`)).map((other) => {
      const door = `.${other.slice(owner.length)}`;
      const file = door === '.' ? './index' : door;
      return [door, { require: `${file}.cjs`, default: `${file}.mjs` }];
    }),
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: owner, exports }));
  writeFileSync(
    join(folder, `.${inner}.cjs`),
    `module.exports = require('${paths[pathOf(name)]}');`,
  );
  writeFileSync(
    join(folder, `.${inner}.mjs`),
    `import all from '.${inner}.cjs';\nexport default all.default ?? all;\nexport const { ${names.join(', ')} } = all;\n`,
  );
}

/** A script that several tests share cannot import by itself. */
const asFunction = (body) =>
  `(function (module, exports, require, __filename, __dirname, importing) {${body.replace(/(?<![\w$.])import\(/g, 'importing(')}\n})`;

/** Runs in a test: `require` for the functions. What they ask for and the folder does not have, Jest or Node.js finds. */
const LOAD = `
const Module = require('node:module');
const { existsSync, readFileSync } = require('node:fs');
const { dirname } = require('node:path');
const modules = new Map();
const scripts = new Map();
const textsOf = globalThis[Symbol.for('simple-queue packages')] ?? withoutJest();

function load(id) {
  if (modules.has(id)) return modules.get(id).exports;
  const [filename, all] = FILES[id];
  const [run, links] = textsOf(all)[id];
  const module = { id: filename, filename, exports: {}, loaded: false, children: [], paths: [] };
  modules.set(id, module);
  let elsewhere;
  const from = () => (elsewhere ??= Module.createRequire(filename));
  const requireFrom = (request) => (request in links ? load(links[request]) : from()(request));
  requireFrom.resolve = (request) => from().resolve(request);
  const importing = async (request) => (request in links ? load(links[request]) : import(request));
  try {
    run.call(module.exports, module, module.exports, requireFrom, filename, dirname(filename), importing);
    module.loaded = true;
    return module.exports;
  } catch (error) {
    modules.delete(id);
    throw error;
  }
}
module.exports = Object.assign(load, { scripts });

/** As Jest's environment and resolver do it: packages that are not in the folder get from it what they require. */
function withoutJest() {
  const { Script } = require('node:vm');
  const ids = new Map(FILES.map(([path], id) => [path, id]));
  const original = Module._load;
  Module._load = (request, parent, isMain) => {
    const id = ids.get(Module.isBuiltin(request) ? request : Module._resolveFilename(request, parent, isMain));
    return id === undefined ? original(request, parent, isMain) : load(id);
  };
  const texts = new Map();
  return (path) => {
    if (texts.has(path)) return texts.get(path);
    const cachedData = existsSync(path + '.cache') ? readFileSync(path + '.cache') : undefined;
    scripts.set(path, new Script(readFileSync(path, 'utf8'), { filename: path, cachedData }));
    texts.set(path, scripts.get(path).runInThisContext());
    return texts.get(path);
  };
}
`;

/** A process of its own, with no options of the test run's, keeps what V8 made of the packages: its like begin with that. */
const WARM = `
const { renameSync, writeFileSync } = require('node:fs');
const { scripts } = require('./load.cjs');
ENTRIES.forEach((path) => require(path));
for (const [path, script] of scripts) {
  writeFileSync(path + '.draft', script.createCachedData());
  renameSync(path + '.draft', path + '.cache');
}
`;

/** All files that are required from these on. `links` of each: what it requires, and its place in the list. */
async function reachedFrom(entries) {
  const { transformSync } = await import('@swc/core');
  const files = [];
  const places = new Map();
  const add = (path) => {
    if (places.has(path)) return places.get(path);
    places.set(path, files.length);
    const file = { path, ...packageOf(path), links: {} };
    files.push(file);
    file.body = path.endsWith('.json')
      ? `module.exports = ${read(path)};`
      : transformSync(read(path), optionsFor(path)).code;
    for (const [, how, request] of file.body.matchAll(/\b(require|import)\(["']([^"']+)["']\)/g)) {
      const target = (how === 'require' || PACKAGES.includes(request)) && found(path, request);
      if (target) file.links[request] = add(target);
    }
    return places.get(path);
  };
  entries.forEach(add);
  return files;
}

/** Everything becomes CommonJS: a function can be that, and no module. */
function optionsFor(path) {
  const isModule = path.endsWith('.mjs') || (path.endsWith('.js') && packageOf(path).isModule);
  return {
    swcrc: false,
    configFile: false,
    isModule: isModule || 'commonjs',
    minify: true,
    jsc: { target: 'es2022', parser: { syntax: 'ecmascript' }, minify: MINIFY },
    ...(isModule && { module: { type: 'commonjs', ignoreDynamic: true } }),
  };
}

const pathOf = (name) => found(join(TOP, 'any.js'), name);

/** undefined for what Node.js has itself, what is not installed, and what no text can be made of. */
function found(from, request) {
  try {
    const path = createRequire(from).resolve(request);
    return !isBuiltin(request) && /\.(c?js|json)$/.test(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

const packages = new Map();

/** The nearest package.json with a name: some packages have others that only say `type`. */
function packageOf(path) {
  const folder = dirname(path);
  if (!packages.has(folder)) packages.set(folder, packageIn(folder));
  return packages.get(folder);
}

function packageIn(folder) {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return packageOf(folder);
  const { name, version, type } = JSON.parse(read(file));
  return { ...(name ? { name, version } : packageOf(folder)), isModule: type === 'module' };
}
