// Checks what would be published, not what lies in dist/: packs the built library and asks publint and attw about the tarball.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { bootTime } from './boot-time.mjs';
import { pack } from './pack.mjs';

/**
 * What each part may come to. An export is a promise, a dependency somebody else's code in every application, and every kibibyte is fetched
 * by every deployment: growth beyond this is a decision, made here with its reason, and not something that happens.
 */
const BUDGET = {
  // Types count: they are promised as well.
  exports: {
    // Schedules: the decorator, the service and what a handler is told of its schedule, where users look for them. Durations as texts.
    '.': 99,
    './schedules': 20,
    // What the dashboard shows, operators' code can ask for: series, errors, workers, audit, searches.
    './admin': 52,
    './workflows': 18,
    './limits': 4,
    './pull': 12,
    './redis': 3,
    './testing': 24,
    './dashboard': 7,
    './telemetry': 10,
    './migrations': 8,
  },
  // What the command line needs is bundled (ADR 0028); the library needs its peers only.
  dependencies: 0,
  // As it comes, and as it lies in every container: dependencies have no part in it. Schedules, limits and troubles: 65 KiB packed. The
  // dashboard with its page: 30 KiB packed, 110 installed. Workflows: 30 and 125. Limits per key, Redis, searches and errors: 50 and 150.
  packedKiB: 560,
  installedKiB: 1_900,
  // By the clock, or on a busy machine by the share of what Nest and TypeORM take alone (some 250 ms).
  bootMs: 30,
  bootShare: 0.2,
};

const folder = mkdtempSync(join(tmpdir(), 'sq-package-'));
try {
  const { tarball, size, unpacked, files } = pack(folder);
  run('publint', 'run', tarball, '--strict');
  run('attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-summary');
  refuseStrays(files);
  refuseGaps(files);
  refuseDeadBins(tarball);
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
      !/^(dist\/(lib|migrations)\/.+\.(js|d\.ts)|dist\/lib\/cli\/LICENSES\.txt|package\.json|(README|CHANGELOG)\.md|LICENSE)$/.test(
        path,
      ),
  );
  if (strays.length > 0) throw new Error(`Not meant to be published: ${strays.join(', ')}`);
}

/** publint looks for what package.json names; these it does not know. */
function refuseGaps(files) {
  const wanted = ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/lib/cli/LICENSES.txt'];
  const gaps = wanted.filter((path) => !files.includes(path));
  if (gaps.length > 0) throw new Error(`Not in the package: ${gaps.join(', ')}`);
}

/** A bin that lost its mode or its first line is a command that the shell does not find. */
function refuseDeadBins(tarball) {
  const tar = (flags, entry) => execFileSync('tar', [flags, tarball, entry], { encoding: 'utf8' });
  const { bin } = JSON.parse(tar('-xzOf', 'package/package.json'));
  for (const [name, path] of Object.entries(bin)) {
    const entry = path.replace('./', 'package/');
    const isExecutable = tar('-tvzf', entry).startsWith('-rwx');
    if (!isExecutable || !tar('-xzOf', entry).startsWith('#!/usr/bin/env node\n'))
      throw new Error(`The bin "${name}" cannot be run: ${path}`);
  }
}

async function report({ packed, unpacked, files }) {
  const { name, exports, dependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
  const entries = Object.entries(exports).filter(([entry]) => entry !== './package.json');
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

/** Too slow is what is too slow by the clock and by the processor, again and again. */
async function reportBoot() {
  const isGoodEnough = ({ ms, share }) => ms <= BUDGET.bootMs || share <= BUDGET.bootShare;
  const found = await bootTime(isGoodEnough);
  const { ms, share, aloneMs } = found;
  const text = `own boot time of a process that only enqueues: ${ms} ms (budget ${BUDGET.bootMs}), ${Math.round(share * 100)} % of the processor's time of Nest and TypeORM alone, which take ${aloneMs} ms`;
  console.log(text);
  if (!isGoodEnough(found)) throw new Error(`${text}. Import less at the start.`);
}

/** Prints a figure; one above its budget, or without one, fails the check. */
function keep(what, value, budget = 0) {
  console.log(`${value} ${what} (budget ${budget})`);
  if (value > budget)
    throw new Error(
      `${value} ${what}: the budget is ${budget}. Make it smaller, or write a new budget with its reason.`,
    );
}
