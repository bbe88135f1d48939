import { enqueueAll, rest, seeded, startRig, watch } from './rig.mjs';

const WORKERS = 4;
/** Half of TypeORM's default pool: what a process can have in flight of handlers that hold a transaction. */
const IN_FLIGHT = 5;

const EXTRA = 'allowed (in flight at each kill)';

/** SIGKILL at random moments while every job writes one row to a ledger in the transaction of its completion. */
export async function killWorkers({ jobs, kills, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  try {
    await enqueueAll(
      rig.queues,
      'ledger',
      Array.from({ length: jobs }, (_, n) => ({ n })),
    );
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, kills, seeded(seed));
    const live = async () => ({
      live: (await rig.query('select count(*)::int as live from simple_queue.job'))[0].live,
      deaths: rig.fleet.deaths,
    });
    const seconds = await watch('kill', {
      tell: live,
      done: (seen) => seen.live === 0 && rig.fleet.deaths >= kills,
      maxMs: 1_200_000,
    });
    await killing;
    return report(await count(rig), { jobs, kills: rig.fleet.deaths, seconds });
  } finally {
    await rig.stop();
  }
}

/** One kill after each `paceMs`, half of it up or down. */
export async function killAtRandom(fleet, kills, random, paceMs = 1_000) {
  while (fleet.deaths < kills && !fleet.enough) {
    await rest(paceMs * (0.5 + random()));
    fleet.kill(random);
  }
}

async function count({ query }) {
  const [effects] = await query(
    'select count(*)::int as rows, count(distinct job)::int as jobs from effect',
  );
  const [{ starts }] = await query('select count(*)::int as starts from start');
  const states = await query(
    'select state, count(*)::int as count from simple_queue.jobs group by state',
  );
  const of = (state) => states.find((row) => row.state === state)?.count ?? 0;
  return {
    effects,
    starts,
    succeeded: of('succeeded'),
    poisoned: of('poisoned'),
    failed: of('failed'),
  };
}

function report({ effects, starts, succeeded, poisoned, failed }, { jobs, kills, seconds }) {
  const figures = {
    jobs,
    'worker processes killed': kills,
    seconds: Math.round(seconds),
    succeeded,
    'starts beyond one a job': starts - jobs,
    [EXTRA]: kills * IN_FLIGHT,
    lost: jobs - succeeded - poisoned - failed,
    'effects done twice': effects.rows - effects.jobs,
    'effects missing': succeeded - effects.jobs,
    'good jobs poisoned or failed': poisoned + failed,
  };
  const zero = ['lost', 'effects done twice', 'effects missing', 'good jobs poisoned or failed'];
  const broken = zero.filter((name) => figures[name] !== 0);
  if (starts - jobs > figures[EXTRA]) broken.push(EXTRA);
  return { title: 'Workers killed at random', figures, broken };
}
