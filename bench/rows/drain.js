const PEERS_ON_PG = ['graphile-best', 'boss-best'];
/** BullMQ on Redis, and on PostgreSQL. */
const BULLS = ['bull-best', 'bull-fsync', 'bullpg-best'];
const DEFAULTS = ['graphile', 'boss', 'bull'];

export const COST_COLUMNS = [
  'databaseCpu',
  'workerCpu',
  'walPerJob',
  'fillWalPerJob',
  'deadPerJob',
  'statementsPerJob',
  'commitsPerJob',
  'rssBytes',
  'sizeBytes',
];

/** Rows about working through jobs that do nothing, or wait for 5 ms. */
export const drainRows = [
  drainRow('drain-deleted', 'Drain, finished jobs deleted', {
    note: 'pg-boss cannot delete on completion: it keeps.',
    variants: ['floor', 'ours', 'ours-wide', 'ours-node-20', ...PEERS_ON_PG, ...BULLS, ...DEFAULTS],
    settings: { keep: false },
  }),
  drainRow('drain-kept', 'Drain, finished jobs kept', {
    note: 'graphile-worker keeps nothing: its figures are those of deleting.',
    variants: ['floor', 'ours', 'ours-node-20', ...PEERS_ON_PG, 'dbos-quick', ...BULLS],
    settings: { keep: true },
  }),
  drainRow('drain-2', 'Drain by 2 processes, finished jobs deleted', {
    variants: ['ours', ...PEERS_ON_PG, 'bull-best'],
    settings: { keep: false },
    processes: 2,
  }),
  drainRow('drain-4', 'Drain by 4 processes, finished jobs deleted', {
    variants: ['ours', ...PEERS_ON_PG, 'bull-best'],
    settings: { keep: false },
    processes: 4,
  }),
  drainRow('telemetry', 'Drain with telemetry, finished jobs deleted', {
    note: 'The exporters send nothing: what a collector costs is its own.',
    variants: ['ours', 'ours-metrics', 'ours-sampled', 'ours-traced'],
    settings: { keep: false },
  }),
  drainRow('limits', 'Drain under limits that do not bind, finished jobs deleted', {
    note: 'A limit for each key gives a permit to each job before it is ready; the others give permits to processes.',
    variants: ['ours', 'ours-fleet', 'ours-rated', 'ours-uses', 'ours-keyed'],
    settings: { keep: false },
    size: 'limited',
  }),
  drainRow('drain-io', 'Drain of jobs that wait 5 ms', {
    note: 'The limit is set by how many run at once: 200 / 5 ms = 40,000 a second.',
    variants: ['ours', 'ours-wide', 'graphile', 'graphile-200', 'boss-best', 'bull', 'bull-200'],
    settings: { keep: false },
    size: 'io',
    handler: 'io',
  }),
  drainRow('ordered', 'Drain of ordered groups (1,000 x 100)', {
    note: 'graphile-worker: a queue name for each group; pg-boss: `key_strict_fifo` with a `singletonKey` for each group, and no two jobs of a group in one call, since these have no order among each other there. BullMQ has groups in its paid edition. The handler counts what starts after a later job of its group. Where a run failed, a later job of its group may pass it in graphile-worker.',
    variants: ['ours', 'ours-wide', 'graphile-best', 'boss-best'],
    settings: { keep: false, groups: 1_000 },
    size: 'ordered',
    handler: 'inOrder',
    columns: ['disorder'],
  }),
];

function drainRow(
  id,
  title,
  { note, variants, settings, processes = 1, size = 'drain', handler = 'noop', columns = [] },
) {
  const run = (lab, variant, context) =>
    drain(lab, variant, { ...context, count: context.sizes[size], settings, processes, handler });
  return {
    id,
    title,
    note,
    variants,
    run,
    headline: 'jobsPerSecond',
    columns: [...columns, ...COST_COLUMNS],
    processes,
  };
}

/**
 * Jobs are stored by another process; the workers are warm. The clock starts with the first job and stops when the database says that
 * nothing is left: a system that answers before it has written gains nothing.
 */
export async function drain(
  lab,
  variant,
  { sizes, count, counting, settings, processes = 1, handler = 'noop', prepare },
) {
  return lab.sample(variant, { settings, counting }, async (sample) => {
    const workers = await sample.spawn(processes);
    if (sizes.warm > 0) await sample.warm(workers, sizes.warm, sizes.warmMs);
    const held = await prepare?.(sample);
    const filled = await fillMeasured(sample, { from: sizes.warm, count });
    await sample.target.analyze();
    const figures = await sample.measured(workers, () =>
      timed(sample, workers, { count, limitMs: sizes.limitMs, handler }),
    );
    await held?.release();
    const total = figures.jobs + sizes.warm;
    return { ...figures, ...filled, ...(await sample.afterwards(total)) };
  });
}

async function fillMeasured(sample, order) {
  const before = await sample.target.counters();
  await sample.fill(order);
  const after = await sample.target.counters();
  return { fillWalPerJob: (after.wal - before.wal) / order.count };
}

async function timed(sample, workers, { count, limitMs, handler }) {
  const complete = await sample.workUntil(workers, count, { limitMs, handler, ioMs: 5 });
  const end = complete ? await sample.untilDrained(limitMs) : undefined;
  const reports = await Promise.all(workers.map((worker) => worker.call('report')));
  const jobs = reports.reduce((sum, report) => sum + report.done, 0);
  const firstAt = Math.min(
    ...reports.filter((report) => report.done > 0).map((report) => report.firstAt),
  );
  const seconds = end === undefined ? limitMs / 1_000 : (end - firstAt) / 1_000;
  const { marks } = reports[0];
  return {
    jobs,
    seconds,
    jobsPerSecond: jobs / seconds,
    disorder: reports.reduce((sum, report) => sum + report.disorder, 0),
    twice: Math.max(0, jobs - count - sample.leftOver),
    marks: [firstAt, ...marks],
  };
}
