import { median, percentile } from '../report/statistics.js';

const ALL = ['floor-insert', 'ours', 'graphile', 'boss', 'dbos', 'bull', 'bull-fsync', 'bullpg'];

export const enqueueRows = [
  enqueueRow('enqueue-1', 'Enqueue, 1 caller', 1),
  enqueueRow('enqueue-20', 'Enqueue, 20 callers', 20),
  limitRow('enqueue-limit-1', 'Back pressure: enqueue under a `maxPending`, 1 caller', 1),
  limitRow('enqueue-limit-20', 'Back pressure: enqueue under a `maxPending`, 20 callers', 20),
  {
    id: 'enqueue-transaction',
    title: 'Enqueue in a TypeORM transaction: what it adds to the transaction',
    note: 'The transaction saves an order. Added to it: one more plain INSERT through the same manager (the limit), or a job.',
    variants: ['ours', 'graphile', 'boss', 'dbos'],
    headline: 'addedMs',
    better: 'less',
    columns: ['plainInsertMs', 'timesPlainInsert', 'transactionMs'],
    run: inTransaction,
  },
  {
    id: 'bulk',
    title: 'Enqueue in bulk',
    variants: [
      'floor-bulk',
      'ours',
      'ours-node-20',
      'graphile',
      'boss',
      'bull',
      'bull-fsync',
      'bullpg',
    ],
    headline: 'jobsPerSecond',
    columns: ['databaseCpu', 'workerCpu', 'walPerJob', 'rssBytes', 'sizeBytes'],
    run: bulk,
  },
];

function enqueueRow(id, title, callers) {
  const columns = [
    'p50Ms',
    'p99Ms',
    'databaseCpu',
    'workerCpu',
    'walPerJob',
    'statementsPerJob',
    'commitsPerJob',
  ];
  return {
    id,
    title,
    variants: ALL,
    headline: 'jobsPerSecond',
    columns,
    run: (lab, variant, context) => enqueue(lab, variant, { ...context, callers }),
  };
}

/** Under a limit callers come one after another, and each counts what waits. */
function limitRow(id, title, callers) {
  return {
    ...enqueueRow(id, title, callers),
    note: 'The queue holds 500 jobs at first and up to 4,500 at the end: each call under a limit counts them.',
    variants: ['ours', 'ours-limit'],
    run: (lab, variant, { sizes, ...context }) =>
      enqueue(lab, variant, {
        ...context,
        sizes: { ...sizes, enqueue: sizes.enqueueLimited },
        callers,
      }),
  };
}

/** Coalescing or not is the system's own affair: each caller waits for its own answer. */
function enqueue(lab, variant, { sizes, counting, callers }) {
  const settings = { connections: callers };
  return lab.sample(variant, { settings, counting }, async (sample) => {
    const [worker] = await sample.spawn(1);
    await worker.call('produce', { count: 500, callers, limitMs: 2_000 });
    const figures = await sample.measured([worker], async () => {
      const { ms, done, took } = await worker.call('produce', {
        count: sizes.enqueue,
        callers,
        limitMs: sizes.enqueueMs,
      });
      return {
        jobs: done,
        jobsPerSecond: (done / ms) * 1_000,
        p50Ms: percentile(took, 50),
        p99Ms: percentile(took, 99),
      };
    });
    return { ...figures, ...(await sample.afterwards(figures.jobs + 500)) };
  });
}

/** Medians of single transactions, taken in turns; the difference to the bare transaction is what counts. */
function inTransaction(lab, variant, { sizes }) {
  return lab.sample(variant, {}, async (sample) => {
    const [worker] = await sample.spawn(1);
    const figures = await sample.measured([worker], async () => {
      const order = { count: sizes.transactions, kinds: ['nothing', 'insert', 'enqueue'] };
      const { took } = await worker.call('transactions', order);
      const [nothing, insert, withJob] = order.kinds.map((kind) => median(took[kind]));
      const [plainInsertMs, addedMs] = [insert - nothing, withJob - nothing];
      return {
        jobs: sizes.transactions,
        transactionMs: nothing,
        plainInsertMs,
        addedMs,
        timesPlainInsert: addedMs / plainInsertMs,
      };
    });
    return figures;
  });
}

function bulk(lab, variant, { sizes, counting }) {
  return lab.sample(variant, { counting }, async (sample) => {
    const [worker] = await sample.spawn(1);
    await worker.call('bulk', { count: sizes.warm });
    const figures = await sample.measured([worker], async () => {
      const { ms } = await worker.call('bulk', { count: sizes.bulk });
      return { jobs: sizes.bulk, jobsPerSecond: (sizes.bulk / ms) * 1_000 };
    });
    return { ...figures, ...(await sample.afterwards(figures.jobs + sizes.warm)) };
  });
}
