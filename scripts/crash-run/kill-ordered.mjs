import { killAtRandom } from './kill-workers.mjs';
import { seeded, startRig, watch } from './rig.mjs';

const WORKERS = 4;
const CHUNK = 10_000;

/** SIGKILL at random moments while ordered groups drain: no job may start before the one in front of it has ended. */
export async function killOrdered({ groups, each, kills, paceMs, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  try {
    await rig.query(
      'create table step (id int generated always as identity, job uuid not null, grp int not null, n int not null)',
    );
    await enqueueSteps(rig.queues, groups, each);
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, kills, seeded(seed), paceMs);
    const tell = async () => ({
      live: (await rig.query('select count(*)::int as live from simple_queue.job'))[0].live,
      deaths: rig.fleet.deaths,
    });
    const seconds = await watch('order', {
      tell,
      done: (seen) => seen.live === 0,
      maxMs: 1_200_000,
    });
    rig.fleet.enough = true;
    await killing;
    return report(await count(rig), {
      jobs: groups * each,
      groups,
      kills: rig.fleet.deaths,
      seconds,
    });
  } finally {
    await rig.stop();
  }
}

async function enqueueSteps(queues, groups, each) {
  const items = Array.from({ length: groups * each }, (_, index) => {
    const [grp, n] = [index % groups, Math.floor(index / groups)];
    return { payload: { grp, n }, group: `group ${grp}`, ordered: true };
  });
  for (let start = 0; start < items.length; start += CHUNK)
    await queues.enqueueMany('step', items.slice(start, start + CHUNK));
}

/** A start after one of a later job, or before the one in front has started, is out of order; so is one before that one's end was stored. */
async function count({ query }) {
  const [{ starts, violations }] = await query(
    `select count(*)::int as starts, count(*) filter (where n < before or n > before + 1)::int as violations from (
      select n, coalesce(max(n) over (partition by grp order by id rows between unbounded preceding and 1 preceding), -1) as before from step) s`,
  );
  const states = await query(
    'select state, count(*)::int as count from simple_queue.jobs group by state',
  );
  return {
    starts,
    violations,
    succeeded: states.find((row) => row.state === 'succeeded')?.count ?? 0,
  };
}

function report({ starts, violations, succeeded }, { jobs, groups, kills, seconds }) {
  const figures = {
    groups,
    jobs,
    'worker processes killed': kills,
    seconds: Math.round(seconds),
    succeeded,
    'starts beyond one a job': starts - jobs,
    'starts out of order': violations,
    lost: jobs - succeeded,
  };
  return {
    title: 'Ordered groups, workers killed at random',
    figures,
    broken: ['starts out of order', 'lost'].filter((name) => figures[name] !== 0),
  };
}
