// Checks what would be published, not what lies in dist/: packs the built library and asks publint and attw about the tarball.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { bootTime } from './boot-time.mjs';
import { pack } from './pack.mjs';
import { compareStatements } from './shipped-statements.mjs';

/**
 * What each part may come to. An export is a promise, a dependency somebody else's code in every application, and every kibibyte is fetched
 * by every deployment: growth beyond this is a decision, made here with its reason, and not something that happens.
 */
const BUDGET = {
  // Types count: they are promised as well.
  exports: {
    '.': 95,
    './schedules': 20,
    // What the dashboard shows, operators' code can ask for: series, errors, workers, audit, searches.
    './admin': 52,
    // And what a job is given that says how another one has ended; batches, and steps that an outcome adds.
    // Sagas: how a step is compensated, what became of it, and what a cancel may say of it.
    './workflows': 29,
    './limits': 4,
    './pull': 12,
    './redis': 3,
    // expectWorkflow, with what it expects.
    './testing': 26,
    './dashboard': 7,
    './telemetry': 10,
    './migrations': 8,
  },
  // What the command line needs is bundled (ADR 0028); the library needs its peers only.
  dependencies: 0,
  // As it comes, and as it lies in every container: dependencies have no part in it. 1,464 KiB are 1.5 MB.
  packedKiB: 466,
  installedKiB: 1_464,
  // Of a process that only enqueues. Files and their size decide how long its start takes; a clock would measure the machine as well.
  bootFiles: 4,
  // What workers, operators, schedules, workflows and migrations need is loaded when it is asked for: text costs 4 ms of a start per 100 KiB.
  // 288 until enqueues of new names shared their registration.
  bootKiB: 292,
};

const folder = mkdtempSync(join(tmpdir(), 'sq-package-'));
try {
  const { tarball, size, unpacked, files } = pack(folder);
  run('publint', 'run', tarball, '--strict');
  run('attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-summary');
  refuseStrays(files);
  refuseGaps(files);
  refuseDeadBins(tarball);
  refuseWrongTypes();
  console.log(`${await compareStatements()} statements are sent as they are written`);
  await report({ packed: size, unpacked, files: files.length });
  await reportBoot();
} finally {
  rmSync(folder, { recursive: true });
}

function run(...command) {
  execFileSync('npx', ['--no', ...command], { stdio: 'inherit' });
}

/** `files` is a list of folders: a build of something else into them would be published too. */
function refuseStrays(files) {
  const strays = files.filter(
    (path) =>
      !/^(dist\/(lib|migrations)\/.+\.(js|d\.ts)|dist\/lib\/cli\/LICENSES\.txt|package\.json|README\.md|LICENSE)$/.test(
        path,
      ),
  );
  if (strays.length > 0) throw new Error(`Not meant to be published: ${strays.join(', ')}`);
}

/** publint looks for what package.json names; these it does not know. */
function refuseGaps(files) {
  const wanted = ['README.md', 'LICENSE', 'dist/lib/cli/LICENSES.txt'];
  const gaps = wanted.filter((path) => !files.includes(path));
  if (gaps.length > 0) throw new Error(`Not in the package: ${gaps.join(', ')}`);
}

/** A bin that lost its mode or its first line is a command that the shell does not find. */
function refuseDeadBins(tarball) {
  const tar = (flags, entry) => execFileSync('tar', [flags, tarball, entry], { encoding: 'utf8' });
  const { bin } = JSON.parse(tar('-xzOf', 'package/package.json'));
  for (const [name, path] of Object.entries(bin)) {
    const entry = `package/${path}`;
    const isExecutable = tar('-tvzf', entry).startsWith('-rwx');
    if (!isExecutable || !tar('-xzOf', entry).startsWith('#!/usr/bin/env node\n'))
      throw new Error(`The bin "${name}" cannot be run: ${path}`);
  }
}

/** What strict applications see: each declaration is checked, and an option that is `undefined` counts as left out. */
function refuseWrongTypes() {
  // Of the documents as well; that one names a package which the tests stand in for.
  const examples = readdirSync('test/examples', { recursive: true })
    .filter((file) => /(?<!\.spec|from-config)\.ts$/.test(file))
    .map((file) => `test/examples/${file}`);
  const program = ts.createProgram(['test/types/undefined-options.ts', ...examples], {
    ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: ['node'] },
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true },
    ...{ experimentalDecorators: true, noUncheckedIndexedAccess: true },
  });
  const ours = program.getSourceFiles().filter(({ fileName }) => !fileName.includes('/node_modules/')); // prettier-ignore
  const found = ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]);
  const host = { getCurrentDirectory: () => '.', getCanonicalFileName: (name) => name, getNewLine: () => '\n' }; // prettier-ignore
  if (found.length > 0) throw new Error(ts.formatDiagnostics(found, host));
}

async function report({ packed, unpacked, files }) {
  const {
    name,
    exports,
    typesVersions,
    dependencies = {},
  } = JSON.parse(readFileSync('package.json', 'utf8'));
  const entries = Object.entries(exports).filter(([entry]) => entry !== './package.json');
  // A TypeScript that resolves as `node10` reads these in place of the exports.
  for (const [entry, { types }] of entries.filter(([path]) => path !== '.'))
    if (typesVersions['*'][entry.slice(2)]?.[0] !== types)
      throw new Error(`typesVersions in package.json lack ${entry}: ${types}`);
  const program = ts.createProgram(
    entries.map(([, { types }]) => types),
    { module: ts.ModuleKind.NodeNext, skipLibCheck: true },
  );
  const checker = program.getTypeChecker();
  for (const [entry, { types }] of entries) {
    await import(entry.replace('.', name));
    const names = checker.getExportsOfModule(
      checker.getSymbolAtLocation(program.getSourceFile(types)),
    );
    keep(`exports of ${entry.replace('.', name)}`, names.length, BUDGET.exports[entry]);
  }
  keep('runtime dependencies', Object.keys(dependencies).length, BUDGET.dependencies);
  keep(`KiB packed, in ${files} files`, Math.ceil(packed / 1024), BUDGET.packedKiB);
  keep('KiB installed', Math.ceil(unpacked / 1024), BUDGET.installedKiB);
}

async function reportBoot() {
  const loaded = [...loadedWith('dist/lib/index.js')];
  const bytes = loaded.reduce((sum, path) => sum + statSync(path).size, 0);
  keep('files at the start of a process that only enqueues', loaded.length, BUDGET.bootFiles);
  keep('KiB in them', Math.ceil(bytes / 1024), BUDGET.bootKiB);
  const { ms, aloneMs } = await bootTime();
  console.log(`its own boot time: ${ms} ms; Nest and TypeORM alone take ${aloneMs} ms`);
}

/** As the bundle writes imports; those in functions are loaded later. */
function loadedWith(path, loaded = new Set()) {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  for (const [, next] of readFileSync(path, 'utf8').matchAll(/(?:\bfrom|\bimport) ?"(\.[^"]+)"/g))
    loadedWith(join(dirname(path), next), loaded);
  return loaded;
}

/** Prints a figure; one above its budget, or without one, fails the check. */
function keep(what, value, budget = 0) {
  console.log(`${value} ${what} (budget ${budget})`);
  if (value > budget)
    throw new Error(
      `${value} ${what}: the budget is ${budget}. Make it smaller, or write a new budget with its reason.`,
    );
}
