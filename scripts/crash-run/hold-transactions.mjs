import { rest, startRig, watch } from './rig.mjs';

const JOBS = 1_000;
const EVERY_MS = 10;

/** Quick jobs, alone and beside handlers that complete in a transaction of their own and hold it open for two seconds. */
export async function holdTransactions({ leaseMs }) {
  const rig = await startRig({ leaseMs });
  try {
    rig.fleet.grow(1);
    await rig.queues.enqueue('plain', {});
    await watch('hold', {
      tell: () => archived(rig, 'plain'),
      done: (count) => count === 1,
      everyMs: 100,
      maxMs: 60_000,
    });
    const alone = await measure(rig, 1);
    await rig.queues.enqueueMany(
      'holder',
      Array.from({ length: 200 }, () => ({ payload: {} })),
    );
    const beside = await measure(rig, 1 + JOBS);
    const { waiting, p50, p99 } = beside;
    const figures = {
      'alone p50 ms': alone.p50,
      'alone p99 ms': alone.p99,
      'beside p50 ms': p50,
      'beside p99 ms': p99,
      'transactions held all along': waiting > 0,
    };
    return {
      title: 'From enqueue to stored end, beside handlers that hold a transaction for 2 s',
      figures,
      broken:
        p99 < 1_000 && waiting > 0
          ? []
          : ['an open transaction of a handler holds up no other settle or claim'],
    };
  } finally {
    await rig.stop();
  }
}

/** By the database's clock: created_at is the enqueue, finished_at the statement that stored the end. */
async function measure(rig, known) {
  for (let index = 0; index < JOBS; index++) {
    await rig.queues.enqueue('plain', { index });
    await rest(EVERY_MS);
  }
  await watch('hold', {
    tell: () => archived(rig, 'plain'),
    done: (count) => count === known + JOBS,
    everyMs: 100,
    maxMs: 60_000,
  });
  const [row] = await rig.query(
    `select percentile_cont(0.5) within group (order by ms) as p50, percentile_cont(0.99) within group (order by ms) as p99
    from (select extract(epoch from finished_at - created_at) * 1000 as ms from simple_queue.jobs
      where queue = 'plain' and finished_at is not null order by finished_at desc limit ${JOBS}) last`,
  );
  const [{ waiting }] = await rig.query(
    "select count(*)::int as waiting from simple_queue.jobs where queue = 'holder' and finished_at is null",
  );
  return { p50: Math.round(row.p50 * 10) / 10, p99: Math.round(row.p99 * 10) / 10, waiting };
}

const archived = async (rig, queue) =>
  (
    await rig.query(
      'select count(*)::int as count from simple_queue.jobs where queue = $1 and finished_at is not null',
      [queue],
    )
  )[0].count;
