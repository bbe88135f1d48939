import { enqueueAll, startRig, watch } from './rig.mjs';

const WORKERS = 2;
const MAX_STALLS = 3;

/** Some jobs kill the process that runs them. Exactly those must end in the dead letter queue, and soon. */
export async function poisonWorkers({ poison, among, leaseMs }) {
  const rig = await startRig({ leaseMs });
  const every = Math.floor(among / poison);
  try {
    await enqueueAll(
      rig.queues,
      'plain',
      Array.from({ length: among }, (_, n) => ({
        n,
        poison: n % every === 7 && n < every * poison,
      })),
    );
    rig.fleet.grow(WORKERS);
    const tell = async () => ({
      live: (await rig.query('select count(*)::int as live from simple_queue.job'))[0].live,
      deaths: rig.fleet.deaths,
    });
    const seconds = await watch('poison', {
      tell,
      done: (seen) => seen.live === 0,
      maxMs: 3_600_000,
    });
    const rows = await rig.query(
      "select state, (payload ->> 'poison')::bool as poison, count(*)::int as count from simple_queue.jobs group by 1, 2",
    );
    return report(rows, { poison, among, deaths: rig.fleet.deaths, seconds });
  } finally {
    await rig.stop();
  }
}

function report(rows, { poison, among, deaths, seconds }) {
  const of = (state, guilty) =>
    rows.find((row) => row.state === state && row.poison === guilty)?.count ?? 0;
  const figures = {
    jobs: among,
    'jobs that kill their process': poison,
    'of them poisoned': of('poisoned', true),
    'good jobs succeeded': of('succeeded', false),
    'good jobs poisoned': of('poisoned', false),
    'processes that died': deaths,
    'allowed (maxStalls + 2 each)': poison * (MAX_STALLS + 2),
    seconds: Math.round(seconds),
  };
  const broken = [];
  if (figures['of them poisoned'] !== poison)
    broken.push('every poison job ends in the dead letter queue');
  if (figures['good jobs succeeded'] !== among - poison) broken.push('every good job succeeds');
  if (deaths > poison * (MAX_STALLS + 2))
    broken.push('a poison job costs at most maxStalls + 2 processes');
  return { title: 'Jobs that kill their process', figures, broken };
}
