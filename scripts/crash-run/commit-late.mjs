import { killAtRandom } from './kill-workers.mjs';
import { rest, seeded, startRig, watch } from './rig.mjs';

const WORKERS = 3;
/** Transactions that are open side by side, and how long each of them stays so after its last enqueue. */
const AT_ONCE = 4;
const OPEN_MS = 3_000;
/** Jobs of a transaction. Its calls go side by side, as people write them. */
const CALLS = 4;
const JOBS_A_CALL = 500;

/** Jobs that commit late in numbers, or never, beside single ones, while workers are killed. */
export async function commitLate({ transactions, kills, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  const random = seeded(seed);
  try {
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, kills, random);
    const singles = { count: 0, stop: false };
    const trickling = trickle(rig, singles);
    const outcomes = await inTurns(transactions, () => transaction(rig, random() < 0.5));
    singles.stop = true;
    await trickling;
    const live = async () =>
      (await rig.query('select count(*)::int as n from simple_queue.job'))[0].n;
    const seconds = await watch('late', {
      tell: live,
      done: (count) => count === 0 && rig.fleet.deaths >= kills,
      maxMs: 600_000,
    });
    await killing;
    const committed = outcomes.filter((kept) => kept).length;
    return report(await rows(rig), {
      transactions,
      committed,
      expected: committed * CALLS * JOBS_A_CALL + singles.count,
      kills,
      seconds,
    });
  } finally {
    await rig.stop();
  }
}

async function trickle({ queues }, singles) {
  while (!singles.stop) {
    await queues.enqueue('ledger', { single: true });
    singles.count++;
    await rest(10);
  }
}

async function inTurns(count, work) {
  const outcomes = [];
  let left = count;
  const one = async () => {
    while (left-- > 0) outcomes.push(await work());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return outcomes;
}

async function transaction({ queues, dataSource }, keep) {
  const payloads = Array.from({ length: JOBS_A_CALL }, () => ({ payload: { kept: keep } }));
  const work = dataSource.transaction(async (manager) => {
    await Promise.all(
      Array.from({ length: CALLS }, () => queues.enqueueMany('ledger', payloads, { manager })),
    );
    await rest(OPEN_MS);
    if (!keep) throw new Error('rolled back');
  });
  await work.catch((error) => {
    if (error.message !== 'rolled back') throw error;
  });
  return keep;
}

async function rows({ query }) {
  const [effects] = await query(
    'select count(*)::int as rows, count(distinct job)::int as jobs from effect',
  );
  const [{ phantom }] = await query(
    `select count(*)::int as phantom from simple_queue.jobs where payload->>'kept' = 'false'`,
  );
  return { ...effects, phantom };
}

function report({ rows, jobs, phantom }, { transactions, committed, expected, kills, seconds }) {
  const figures = {
    transactions,
    'of them rolled back': transactions - committed,
    'jobs committed': expected,
    'worker processes killed': kills,
    seconds: Math.round(seconds),
    lost: expected - jobs,
    'effects done twice': rows - jobs,
    'jobs of rolled-back transactions': phantom,
  };
  return {
    title: 'Jobs that commit late, in numbers',
    figures,
    broken: ['lost', 'effects done twice', 'jobs of rolled-back transactions'].filter(
      (name) => figures[name] !== 0,
    ),
  };
}
