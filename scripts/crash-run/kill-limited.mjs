import { killAtRandom } from './kill-workers.mjs';
import { enqueueAll, seeded, startRig, watch } from './rig.mjs';

const WORKERS = 8;
const CONCURRENCY = 5;
const RATE = { limit: 200, perMs: 1_000, strict: true };

/** SIGKILL at random moments while a limit of five runs and a strict rate bind eight processes: neither may ever be passed. */
export async function killLimited({ jobs, kills, paceMs, seed, leaseMs }) {
  const queues = { limited: { fleetConcurrency: CONCURRENCY }, paced: { rate: RATE } };
  const rig = await startRig({ leaseMs, env: { QUEUES: JSON.stringify(queues) } });
  try {
    await rig.query(
      'create table span (job uuid not null, pid int not null, began timestamptz not null, ended timestamptz);' +
        'create table death (pid int not null, at timestamptz not null)',
    );
    rig.fleet.onDeath = (pid) =>
      rig.query('insert into death values ($1, clock_timestamp())', [pid]);
    const half = Array.from({ length: jobs / 2 }, (_, n) => ({ n }));
    await enqueueAll(rig.queues, 'limited', half);
    await enqueueAll(rig.queues, 'paced', half);
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, kills, seeded(seed), paceMs);
    const tell = async () => ({
      live: (await rig.query('select count(*)::int as live from simple_queue.job'))[0].live,
      deaths: rig.fleet.deaths,
    });
    const done = (seen) => seen.live === 0;
    const seconds = await watch('limits', { tell, done, maxMs: 1_800_000 });
    rig.fleet.enough = true;
    await killing;
    return report(await count(rig), { jobs, kills: rig.fleet.deaths, seconds });
  } finally {
    await rig.stop();
  }
}

/** By the clock of the database. A run without an end was killed: it lasted until its process was gone. */
async function count({ query }) {
  const [{ most }] = await query(`with run as (
      select began, coalesce(ended, (select min(at) from death d where d.pid = s.pid and d.at > s.began), 'infinity') as ended
      from span s join simple_queue.jobs j on j.id = s.job where j.queue = 'limited'),
    step as (select began as at, 1 as by from run union all select ended, -1 from run)
    select max(now)::int as most from (select sum(by) over (order by at, by) as now from step) s`);
  const [{ starts }] = await query(`with start as (
      select began from span s join simple_queue.jobs j on j.id = s.job where j.queue = 'paced')
    select max(n)::int as starts from (
      select count(*) over (order by began range between current row and interval '${RATE.perMs - 1} milliseconds' following) as n from start) s`);
  const [{ succeeded }] = await query(
    `select count(*)::int as succeeded from simple_queue.jobs where state = 'succeeded'`,
  );
  const [{ allotted }] = await query(
    'select sum(allotted)::int - coalesce((select sum(n) from simple_queue.allotment), 0)::int as allotted from simple_queue.fleet_limit',
  );
  return { most, starts, succeeded, allotted };
}

function report({ most, starts, succeeded, allotted }, { jobs, kills, seconds }) {
  const figures = {
    jobs,
    processes: WORKERS,
    'worker processes killed': kills,
    seconds: Math.round(seconds),
    [`runs at once at most (limit ${CONCURRENCY})`]: most,
    [`starts in any second at most (rate ${RATE.limit})`]: starts,
    lost: jobs - succeeded,
    'permits beyond the shares': allotted,
  };
  const broken = [
    ...(most > CONCURRENCY ? ['the limit was passed'] : []),
    ...(starts > RATE.limit ? ['the rate was passed'] : []),
    ...(succeeded < jobs ? ['jobs were lost, or poisoned'] : []),
    ...(allotted !== 0 ? ['permits leaked'] : []),
  ];
  return { title: 'Workers killed at random under a limit and a rate', figures, broken };
}
