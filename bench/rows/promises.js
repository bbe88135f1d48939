import { rest } from '../worker/clock.js';
import { holdSnapshot } from './crowd.js';

/** Rows about this library's own promises; they have no counterpart elsewhere. */
export const promiseRows = [
  {
    id: 'burst',
    title: 'Burst into tables that were emptied and vacuumed',
    note: 'A queue filled, drained and vacuumed (not truncated), then 300,000 jobs at once: the slowest of its first ten claims.',
    variants: ['ours'],
    headline: 'firstClaimsMs',
    better: 'less',
    columns: ['firstJobMs', 'slowestClaimMs', 'jobsPerSecond'],
    run: burst,
    samples: 3,
  },
  {
    id: 'late-commit',
    title: 'Jobs whose transaction commits late, under load and a held snapshot',
    note: 'Written by plain SQL, so that nothing wakes the worker: from the commit to the start of the handler, the slowest.',
    variants: ['ours'],
    headline: 'slowestShare',
    better: 'less',
    columns: ['late100Ms', 'late1000Ms', 'late20000Ms'],
    run: lateCommit,
    samples: 1,
  },
];

function burst(lab, variant, { sizes }) {
  return lab.sample(variant, { settings: { keep: false, timeClaims: true } }, async (sample) => {
    const [worker] = await sample.spawn(1);
    await sample.warm([worker], sizes.burst / 10);
    await sample.target.query('vacuum analyze');
    await sample.fill({ count: sizes.burst });
    await worker.call('claimTimes');
    return sample.measured([worker], async () => {
      await sample.workUntil([worker], sizes.burst, {
        handler: 'noop',
        limitMs: sizes.limitMs * 3,
      });
      const end = await sample.untilDrained(5_000);
      const { startAt, firstAt, done } = await worker.call('report');
      return {
        jobs: done,
        firstJobMs: firstAt - startAt,
        ...claimFigures(await worker.call('claimTimes')),
        jobsPerSecond: (done * 1_000) / (end - firstAt),
      };
    });
  });
}

const claimFigures = (claims) => ({
  firstClaimsMs: Math.max(...claims.slice(0, 10)),
  slowestClaimMs: Math.max(...claims),
});

const POLL_MS = 1_000;
const promiseOf = (lateMs) => Math.max(50, lateMs / 20) + POLL_MS;
/** What 10 jobs of 5 ms at once get done in a second, and a little more. */
const BACKLOG_PER_SECOND = 2_200;
const FIRST_NUMBER = 1_000;

/**
 * The late jobs are written first and committed last; between the two the worker's hint passes their time. The load is a backlog that
 * does not end meanwhile: a lane that runs empty is looked at whole, and everything would be found at once.
 */
function lateCommit(lab, variant, { sizes }) {
  const backlog = Math.ceil(((Math.max(...sizes.lateMs) + 5_000) / 1_000) * BACKLOG_PER_SECOND);
  return lab.sample(variant, { settings: { keep: false } }, async (sample) => {
    const [worker, writer] = await sample.spawn(2);
    await sample.warm([worker], 100);
    const snapshot = await holdSnapshot(sample.target.settings.url);
    await worker.call('work', { handler: 'stampIo', ioMs: 5, numbers: backlog + FIRST_NUMBER });
    const figures = await sample.measured([worker], async () => {
      for (const n of sizes.lateMs.keys()) await writer.call('lateJob', { n });
      await sample.fill({ from: FIRST_NUMBER, count: 1_000 });
      const filling = sample.fill({ from: FIRST_NUMBER + 1_000, count: backlog - 1_000 });
      const committed = await Promise.all(
        sizes.lateMs.map((lateMs, n) => writer.call('lateJob', { n, lateMs })),
      );
      await filling;
      return {
        jobs: sizes.lateMs.length,
        ...lateFigures(sizes.lateMs, committed, await untilFound(worker, sizes.lateMs.length)),
      };
    });
    await snapshot.release();
    return figures;
  });
}

function lateFigures(lateMs, committed, stamps) {
  const waits = committed.map(({ committedAt }, n) => Math.max(0, stamps[n] - committedAt));
  const named = Object.fromEntries(waits.map((wait, n) => [`late${lateMs[n]}Ms`, wait]));
  return {
    slowestShare: Math.max(...waits.map((wait, n) => wait / promiseOf(lateMs[n]))),
    ...named,
  };
}

async function untilFound(worker, count) {
  for (let look = 0; look < 200; look++) {
    const { stamps } = await worker.call('stamps');
    if (stamps.subarray(0, count).every((stamp) => stamp > 0)) return stamps;
    await rest(50);
  }
  throw new Error('A job whose transaction committed late was not found within 10 seconds.');
}
