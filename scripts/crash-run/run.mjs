// Kills workers while jobs run, and counts what was lost, done twice or blamed wrongly. Ends with 1 when a promise was broken.
//   npm run crash-run                 all parts, a few minutes
//   npm run crash-run -- --jobs 5000 --kills 20 --seed 7 --default-lease
import { parseArgs } from 'node:util';
import { blockWorkers } from './block-workers.mjs';
import { bystanders } from './bystanders.mjs';
import { commitLate } from './commit-late.mjs';
import { emptyTables } from './empty-tables.mjs';
import { holdTransactions } from './hold-transactions.mjs';
import { killLimited } from './kill-limited.mjs';
import { killOrdered } from './kill-ordered.mjs';
import { killSagas } from './kill-sagas.mjs';
import { killWorkers } from './kill-workers.mjs';
import { poisonWorkers } from './poison-workers.mjs';
import { spoolJobs } from './spool-jobs.mjs';
import { thinLine } from './thin-line.mjs';
import { tickSchedules } from './tick-schedules.mjs';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '50000' },
    kills: { type: 'string', default: '200' },
    poison: { type: 'string', default: '20' },
    among: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: {
      type: 'string',
      default:
        'kill,poison,hold,order,workflows,limits,bystanders,block,late,empty,thin,schedules,spool',
    },
    flows: { type: 'string', default: '1000' },
    groups: { type: 'string', default: '1000' },
    pace: { type: 'string', default: '500' },
    each: { type: 'string', default: '50' },
    transactions: { type: 'string', default: '40' },
    seconds: { type: 'string', default: '90' },
    rounds: { type: 'string', default: '10' },
    large: { type: 'string', default: '120' },
    'default-lease': { type: 'boolean', default: false },
  },
});

const number = (name) => Number(values[name]);
const leaseMs = values['default-lease'] ? undefined : 1_500;
const parts = {
  kill: () =>
    killWorkers({ jobs: number('jobs'), kills: number('kills'), seed: number('seed'), leaseMs }),
  poison: () => poisonWorkers({ poison: number('poison'), among: number('among'), leaseMs }),
  order: () =>
    killOrdered({
      groups: number('groups'),
      each: number('each'),
      kills: number('kills'),
      paceMs: number('pace'),
      seed: number('seed'),
      leaseMs,
    }),
  workflows: () =>
    killSagas({
      flows: number('flows'),
      kills: number('kills'),
      paceMs: number('pace'),
      seed: number('seed'),
      leaseMs,
    }),
  limits: () =>
    killLimited({
      jobs: number('jobs'),
      kills: number('kills'),
      paceMs: number('pace'),
      seed: number('seed'),
      leaseMs,
    }),
  hold: () => holdTransactions({ leaseMs }),
  bystanders: () => bystanders({ leaseMs }),
  block: () => blockWorkers({ leaseMs }),
  late: () =>
    commitLate({
      transactions: number('transactions'),
      kills: Math.min(number('kills'), 20),
      seed: number('seed'),
      leaseMs,
    }),
  schedules: () =>
    tickSchedules({
      seconds: number('seconds'),
      kills: Math.min(number('kills'), 20),
      seed: number('seed'),
      leaseMs,
    }),
  thin: () =>
    thinLine({
      jobs: number('large'),
      bytes: 200_000,
      kills: Math.min(number('kills'), 20),
      seed: number('seed'),
      leaseMs,
    }),
  spool: () => spoolJobs({ kills: number('kills'), seed: number('seed') }),
  empty: () => emptyTables({ rounds: number('rounds'), seed: number('seed'), leaseMs }),
};

console.log(
  `seed ${values.seed}, lease ${leaseMs ?? 'the default 15,000'} ms, Node.js ${process.version}`,
);
const results = [];
for (const name of values.only.split(',')) results.push(await parts[name]());
for (const { title, figures, broken } of results) {
  console.log(`\n${title}`);
  console.table(figures);
  for (const promise of broken) console.log(`BROKEN: ${promise}`);
}
process.exit(results.some(({ broken }) => broken.length > 0) ? 1 : 0);
