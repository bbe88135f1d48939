/** On PostgreSQL. */
const PEERS = [
  'graphile',
  'graphile-best',
  'graphile-quick',
  'boss',
  'boss-best',
  'boss-notify',
  'bullpg',
  'bullpg-best',
];
const BULLS = ['bull', 'bull-best', 'bull-fsync'];

/** The goals that the project has set itself, as ratios within one run: `[name, goal, value, reached]`, value undefined where not measured. */
export function goalsOf(results) {
  const cell = (row, variant) =>
    results.rows.find((entry) => entry.id === row)?.cells.find((entry) => entry.variant === variant)
      ?.median;
  const figure = (row, variant, key = 'jobsPerSecond') => cell(row, variant)?.[key];
  const best = (row, variants, key) =>
    extreme(
      Math.max,
      variants.map((variant) => figure(row, variant, key)),
    );
  const least = (row, variants, key) =>
    extreme(
      Math.min,
      variants.map((variant) => figure(row, variant, key)),
    );
  const questions = { figure, best, least };
  return [
    ...drains(questions),
    ...kinds(questions),
    ...enqueues(questions),
    ...flows(questions),
    ...crowds(questions),
    ...costs(questions),
    ...latencies(questions),
    ...promises(questions),
  ];
}

function drains({ figure, best }) {
  const kept = best('drain-kept', PEERS);
  const one = figure('drain-deleted', 'ours');
  return [
    atLeast(
      'drain, deleted / best tuned peer on PostgreSQL',
      2,
      ratio(one, best('drain-deleted', PEERS)),
    ),
    atLeast('drain, deleted / BullMQ on Redis', 3, ratio(one, best('drain-deleted', BULLS))),
    atLeast('drain, deleted / limit', 0.6, ratio(one, figure('drain-deleted', 'floor'))),
    atLeast('drain, kept / best tuned peer', 2, ratio(figure('drain-kept', 'ours'), kept)),
    atLeast('drain, 2 processes / 1', 0.9, ratio(figure('drain-2', 'ours'), one)),
    atLeast('drain, 4 processes / 1', 0.9, ratio(figure('drain-4', 'ours'), one)),
    ...['fleet', 'rated', 'uses'].map((kind) =>
      atLeast(
        `drain under a limit that does not bind (ours-${kind}) / without`,
        0.95,
        ratio(figure('limits', `ours-${kind}`), figure('limits', 'ours')),
      ),
    ),
    atMost(
      'jobs run twice by 2 or 4 processes',
      0,
      sum(figure('drain-2', 'ours', 'twice'), figure('drain-4', 'ours', 'twice')),
    ),
  ];
}

/** Drains of other jobs than small and equal ones, and what features cost them. */
function kinds({ figure, best }) {
  const toPeers = (name, row) =>
    atLeast(`drain, ${name} / best tuned peer`, 2, ratio(figure(row, 'ours'), best(row, PEERS)));
  const within = (row, variant) => ratio(figure(row, variant), figure(row, 'ours'));
  return [
    toPeers('ordered groups', 'ordered'),
    atMost(
      'jobs of ordered groups that started out of order',
      0,
      figure('ordered', 'ours', 'disorder'),
    ),
    toPeers('2 KiB', 'payload-2k'),
    toPeers('32 KiB', 'payload-32k'),
    toPeers('10 queues', 'queues-10'),
    atLeast(
      'drain, one of ten fails once / BullMQ',
      2,
      ratio(figure('failing', 'ours-again'), figure('failing', 'bull-again')),
    ),
    atLeast('drain, traces of 1 % / without', 0.9, within('telemetry', 'ours-sampled')),
    atLeast('drain, traces of all / without', 0.7, within('telemetry', 'ours-traced')),
    atLeast(
      'drain, with the tally / without',
      0.97,
      ratio(figure('tally', 'ours'), figure('tally', 'ours-untallied')),
    ),
  ];
}

function enqueues({ figure, best }) {
  return [
    atLeast(
      'enqueue under a maxPending, 20 callers / without',
      0.5,
      ratio(figure('enqueue-limit-20', 'ours-limit'), figure('enqueue-limit-20', 'ours')),
    ),
    atLeast(
      'enqueue, 20 callers / best of graphile-worker and pg-boss',
      15,
      ratio(figure('enqueue-20', 'ours'), best('enqueue-20', PEERS)),
    ),
    atLeast(
      'enqueue, 20 callers / BullMQ on Redis',
      1,
      ratio(figure('enqueue-20', 'ours'), best('enqueue-20', BULLS)),
    ),
    atLeast(
      'enqueue, 1 caller / plain INSERT',
      0.95,
      ratio(figure('enqueue-1', 'ours'), figure('enqueue-1', 'floor-insert')),
    ),
    atLeast(
      'bulk enqueue / best peer',
      4,
      ratio(figure('bulk', 'ours'), best('bulk', [...PEERS, ...BULLS])),
    ),
    atMost(
      'enqueue in a transaction / plain INSERT in it',
      1.15,
      figure('enqueue-transaction', 'ours', 'timesPlainInsert'),
    ),
  ];
}

function flows({ figure, least }) {
  const to = (row, variants, key) => ratio(figure(row, 'ours', key), least(row, variants, key));
  return [
    atMost(
      'workflow, from step to step of a chain / pg-boss flows',
      0.05,
      to('flow-chain', ['boss', 'boss-flow'], 'stepMs'),
    ),
    atMost(
      'workflow, a fan of 10,000 / BullMQ flows',
      1,
      to('flow-fan', ['bull-best', 'bull-fsync'], 'flowMs'),
    ),
  ];
}

function crowds({ figure }) {
  return [
    atLeast(
      'drain beside 1,000,000 future jobs / without',
      0.95,
      ratio(figure('crowd-future', 'ours'), figure('crowd-none', 'ours')),
    ),
    atLeast(
      'drain beside 1,000,000 of another queue / without',
      0.95,
      ratio(figure('crowd-elsewhere', 'ours'), figure('crowd-none', 'ours')),
    ),
    atLeast('snapshot held: last tenth / first', 0.85, figure('snapshot', 'ours', 'lastToFirst')),
  ];
}

function costs({ figure }) {
  const of = (variant, key) => figure('drain-deleted', variant, key);
  const log = (variant) => sum(of(variant, 'walPerJob'), of(variant, 'fillWalPerJob'));
  return [
    atMost(
      "database CPU / graphile-worker's best",
      0.6,
      ratio(of('ours', 'databaseCpu'), of('graphile-best', 'databaseCpu')),
    ),
    atMost(
      "WAL a job, enqueue to deleted / graphile-worker's",
      1,
      ratio(log('ours'), log('graphile-best')),
    ),
    atMost(
      "peak RSS / graphile-worker's",
      1,
      ratio(of('ours', 'rssBytes'), of('graphile-best', 'rssBytes')),
    ),
  ];
}

function latencies({ figure, least }) {
  const other = (key) =>
    ratio(
      figure('latency-idle-other', 'ours', key),
      least('latency-idle-other', ['graphile', 'graphile-quick'], key),
    );
  const all = [...PEERS, ...BULLS];
  const busy = (row) => ratio(figure(row, 'ours', 'p99Ms'), least(row, all, 'p99Ms'));
  return [
    atMost("idle latency, other process, p50 / graphile-worker's", 1, other('p50Ms')),
    atMost("idle latency, other process, p99 / graphile-worker's", 1, other('p99Ms')),
    atMost(
      "idle latency, same process, p50 / BullMQ's",
      1,
      ratio(
        figure('latency-idle-same', 'ours', 'p50Ms'),
        least('latency-idle-same', BULLS, 'p50Ms'),
      ),
    ),
    atMost('latency at 500/s, same process, p99 / best peer', 1, busy('latency-500-same')),
    atMost('latency at 500/s, other process, p99 / best peer', 1, busy('latency-500-other')),
  ];
}

function promises({ figure }) {
  return [
    atMost(
      'in flight: heartbeat rows rewritten',
      0,
      figure('in-flight', 'ours-held', 'jobRowsWritten'),
    ),
    atMost('a late commit: slowest / promised', 1, figure('late-commit', 'ours', 'slowestShare')),
    atMost(
      'burst into emptied tables: slowest of the first claims, ms',
      20,
      figure('burst', 'ours', 'firstClaimsMs'),
    ),
    // One an interval, which has a jitter of 10 %.
    atMost('200 idle queues: polls a second', 1.1, figure('idle-200', 'ours', 'pollsPerSecond')),
    atMost(
      '200 idle queues: statements of all duties a second',
      1.5,
      figure('idle-200', 'ours', 'dutiesPerSecond'),
    ),
  ];
}

const atLeast = (name, goal, value) => ({
  name,
  goal: `>= ${goal}`,
  value,
  reached: value === undefined ? undefined : value >= goal,
});
const atMost = (name, goal, value) => ({
  name,
  goal: `<= ${goal}`,
  value,
  reached: value === undefined ? undefined : value <= goal,
});
const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
const sum = (a, b) => (a === undefined || b === undefined ? undefined : a + b);

function extreme(choose, values) {
  const known = values.filter((value) => value !== undefined && !Number.isNaN(value));
  return known.length > 0 ? choose(...known) : undefined;
}
