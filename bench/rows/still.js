import { isOurs } from '../systems/variants.js';
import { rest } from '../worker/clock.js';

/** Rows about what a queue costs while nothing ends: jobs in flight, and queues without jobs. */
export const stillRows = [
  {
    id: 'in-flight',
    title: 'Many jobs in flight: what keeping them costs',
    note: 'No job ends while this is measured. CPU is in seconds a minute, over all processes.',
    variants: ['ours-held', 'graphile-held', 'bull-held'],
    headline: 'statementsPerSecond',
    better: 'less',
    columns: [
      'inFlight',
      'statementsPerBeat',
      'databaseCpuPerMinute',
      'workerCpuPerMinute',
      'walPerSecond',
      'jobRowsWritten',
      'rssBytes',
    ],
    run: inFlight,
    samples: 1,
  },
  {
    id: 'idle-200',
    title: '200 idle queues',
    variants: ['ours', 'graphile', 'boss', 'bull'],
    headline: 'statementsPerSecond',
    better: 'less',
    columns: ['databaseCpuPerMinute', 'workerCpuPerMinute', 'walPerSecond', 'rssBytes'],
    run: idle,
    samples: 1,
  },
];

const BEAT_SECONDS = 5;

function inFlight(lab, variant, { sizes }) {
  return lab.sample(variant, { counting: true }, async (sample) => {
    const [worker] = await sample.spawn(1);
    await sample.fill({ count: sizes.held });
    await sample.workUntil([worker], sizes.held, { handler: 'hold', limitMs: 30_000 });
    await rest(2_000);
    const { done } = await worker.call('report');
    const updatesBefore = await rewrittenJobs(sample);
    const figures = await still(sample, worker, sizes.heldMs);
    worker.kill();
    await sample.target.untilFlushed?.();
    const jobRowsWritten = (await rewrittenJobs(sample)) - updatesBefore;
    return {
      ...figures,
      inFlight: done,
      statementsPerBeat: figures.statementsPerSecond * BEAT_SECONDS,
      jobRowsWritten,
    };
  });
}

function idle(lab, variant, { sizes }) {
  return lab.sample(variant, { settings: { queues: 200 }, counting: true }, async (sample) => {
    const [worker] = await sample.spawn(1);
    await worker.call('work', { handler: 'noop' });
    await rest(sizes.settleMs);
    const figures = await still(sample, worker, sizes.idleMs);
    return isOurs(variant) ? { ...figures, ...pollsAndDuties(figures) } : figures;
  });
}

/** What looks for jobs, and everything else of ours: the look is one statement an interval, whatever the number of queues. */
function pollsAndDuties({ statements, statementsPerSecond }) {
  const rate = (pattern) =>
    statements
      .filter(({ query }) => pattern.test(query))
      .reduce((sum, { perSecond }) => sum + perSecond, 0);
  const pollsPerSecond = rate(/delete from \S+\.ready/);
  // The measurement asks as well, at its beginning and its end.
  const asked = rate(/pg_current_wal_lsn/);
  return { pollsPerSecond, dutiesPerSecond: statementsPerSecond - pollsPerSecond - asked };
}

async function still(sample, worker, ms) {
  const top = await sample.target.statements(100);
  const figures = await sample.measured([worker], async () => {
    await rest(ms);
    // Not for jobs: for a minute, so that the shares of 100,000 become seconds a minute.
    return { jobs: (ms / 60_000) * 100_000 };
  });
  const perSecond = (figures.jobs * 60) / 100_000;
  return {
    databaseCpuPerMinute: figures.databaseCpu,
    workerCpuPerMinute: figures.workerCpu,
    statementsPerSecond: (figures.statementsPerJob * figures.jobs) / (ms / 1_000),
    walPerSecond: (figures.walPerJob * figures.jobs) / (ms / 1_000),
    rssBytes: figures.rssBytes,
    othersCores: figures.othersCores,
    statements: difference(top, await sample.target.statements(100), perSecond),
  };
}

/** Which statements these were, and how often a second: the answer to "why so many?". */
function difference(before, after, seconds) {
  const calls = new Map(before.map((row) => [row.query, row.calls]));
  const counted = after.map((row) => ({
    query: row.query,
    perSecond: (row.calls - (calls.get(row.query) ?? 0)) / seconds,
  }));
  return counted
    .filter((row) => row.perSecond > 0 && !row.query.includes('pg_stat_statements'))
    .sort((a, b) => b.perSecond - a.perSecond);
}

/** A heartbeat that writes job rows leaves a dead one for each job and beat. The rows of leases, lanes and counts are no job's. */
async function rewrittenJobs({ target }) {
  if (!target.query) return 0;
  const text = `select coalesce(sum(n_tup_upd), 0)::int as updated from pg_stat_user_tables where schemaname = $1 and relname not in ('lease', 'lane', 'queue') and relname not like 'tally%'`;
  return (await target.query(text, [target.schema]))[0].updated;
}
