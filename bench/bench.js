// npm run bench [-- --quick] [--only drain-deleted,bulk] [--json FILE] [--docs DIR] [--samples N] [--list]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Lab } from './lab/lab.js';
import { chartOf } from './report/charts.js';
import { goalsOf } from './report/goals.js';
import { machineOf } from './report/machine.js';
import { markdown } from './report/markdown.js';
import { LATER, ROWS } from './rows/rows.js';
import { FULL, NOT_QUICK, QUICK } from './rows/sizes.js';
import { Progress } from './run/progress.js';
import { Runner, roundsOf } from './run/runner.js';

const DOCS = join(dirname(fileURLToPath(import.meta.url)), '..', 'docs');

const options = new Command('bench')
  .description(
    'Measures this library beside graphile-worker, pg-boss, DBOS and BullMQ, in one run.',
  )
  .option('--quick', 'few and small samples: everything works, figures are rough')
  .option('--only <rows>', 'ids of rows, or how they begin, with commas between: see --list')
  .option('--systems <variants>', 'ids of variants, with commas between')
  .option('--processes <counts>', 'of the drains by several processes only these, e.g. 2,4')
  .option('--samples <count>', 'samples of each figure', Number)
  .option('--json <file>', 'writes rows and goals as JSON')
  .option('--with <file>', 'adds what this run leaves out from an earlier one (its --json)')
  .option('--docs <folder>', 'writes benchmarks.md and its pictures there (a full run: docs/)')
  .option('--no-wait', 'do not wait for a quiet machine')
  .option('--list', 'lists the rows')
  .parse()
  .opts();

if (options.list)
  for (const row of ROWS)
    console.log(`${row.id.padEnd(22)} ${row.title}  [${row.variants.join(', ')}]`);
else await bench();

async function bench() {
  const startedAt = performance.now();
  const sizes = {
    ...(options.quick ? QUICK : FULL),
    ...(options.samples ? { samples: options.samples } : {}),
  };
  const rows = chosenRows();
  const lab = await Lab.open({
    quietLimits: options.wait ? (options.quick ? { run: 20_000, sample: 2_000 } : {}) : { run: 0 },
  });
  if (!lab.redisVersion) console.error('redis-server is not installed: BullMQ is left out.');
  const progress = new Progress(
    rows.reduce((sum, row) => sum + row.variants.length * roundsOf(row, sizes), 0),
  );
  try {
    const measured = await new Runner({ lab, sizes, progress, stopped: stopsOnInterrupt() }).run(
      rows,
    );
    report({
      machine: machineOf(lab),
      rows: measured,
      seconds: (performance.now() - startedAt) / 1_000,
    });
  } finally {
    progress.end();
    await lab.close();
  }
}

function report({ machine, rows, seconds }) {
  const earlier = options.with
    ? JSON.parse(readFileSync(options.with, 'utf8'))
    : { rows: [], seconds: 0 };
  const results = {
    date: new Date().toISOString(),
    quick: Boolean(options.quick),
    machine,
    rows: joined(rows, earlier.rows),
    later: LATER,
  };
  results.seconds = seconds + earlier.seconds;
  results.runs = 1 + (options.with ? (earlier.runs ?? 1) : 0);
  results.goals = goalsOf(results);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
  const isWhole = !options.quick && !options.only && !options.systems && !options.processes;
  const folder = options.docs ?? (isWhole ? DOCS : undefined);
  if (folder) writeDocs(folder, results);
  console.log(markdown(results));
}

function writeDocs(folder, results) {
  mkdirSync(join(folder, 'benchmarks'), { recursive: true });
  const charts = new Map();
  for (const row of results.rows) {
    const chart = chartOf(row);
    if (chart) charts.set(row.id, `benchmarks/${row.id}.svg`);
    if (chart) writeFileSync(join(folder, 'benchmarks', `${row.id}.svg`), chart);
  }
  writeFileSync(join(folder, 'benchmarks.md'), markdown(results, charts));
}

function chosenRows() {
  const begins = options.only?.split(',');
  const systems = options.systems?.split(',');
  const counts = options.processes?.split(',').map(Number);
  const rows = ROWS.filter((row) => !begins || begins.some((begin) => row.id.startsWith(begin)))
    .filter(
      (row) => !counts || !row.processes || row.processes === 1 || counts.includes(row.processes),
    )
    .map((row) => ({
      ...row,
      variants: row.variants.filter((id) =>
        systems ? systems.includes(id) : !options.quick || !NOT_QUICK.includes(id),
      ),
    }))
    .filter((row) => row.variants.length > 0);
  if (rows.length === 0) throw new Error('No such row. --list names them.');
  return rows;
}

/** Ctrl+C ends the run behind the current row, and reports what was measured; a second one ends it at once. */
function stopsOnInterrupt() {
  let stopped = false;
  process.once('SIGINT', () => (stopped = true));
  return () => stopped;
}

/** In the order of the rows; what was measured now goes before what was measured earlier. */
function joined(rows, earlier) {
  const byId = new Map(earlier.map((row) => [row.id, row]));
  for (const row of rows) byId.set(row.id, { ...row, cells: cellsOf(row, byId.get(row.id)) });
  return ROWS.filter(({ id }) => byId.has(id)).map(({ id }) => byId.get(id));
}

function cellsOf({ cells }, earlier) {
  const known = earlier?.cells ?? cells;
  return known.map((cell) => cells.find(({ variant }) => variant === cell.variant) ?? cell);
}
