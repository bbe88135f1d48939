import { enqueueAll, rest, startRig, watch } from './rig.mjs';

/** Queues give ten at once, so these take 10 s each: ten long jobs, and a hundred short ones. */
const CASES = [
  { jobs: 10, ms: 10_000 },
  { jobs: 100, ms: 1_000 },
];
const AT_ONCE = 10;
/** Until the reaper and the scheduler have looked, at their defaults. */
const LOOKS_MS = 10_000;

/** Two kills of the only worker, each with all slots taken: how long until everybody who was merely there is done? */
export async function bystanders({ leaseMs }) {
  const figures = {};
  const broken = [];
  for (const { jobs, ms } of CASES) {
    const name = `${jobs} jobs of ${ms / 1_000} s`;
    const [alone, killed] = [
      await run({ jobs, ms, leaseMs, kills: 0 }),
      await run({ jobs, ms, leaseMs, kills: 2 }),
    ];
    figures[`${name}: s without a crash`] = +alone.toFixed(1);
    figures[`${name}: s after the second of two kills`] = +killed.toFixed(1);
    if (killed > 2 * alone + ((leaseMs ?? 15_000) + LOOKS_MS) / 1_000)
      broken.push(`${name} are through within twice their time`);
  }
  return { title: 'Bystanders of two kills', figures, broken };
}

async function run({ jobs, ms, leaseMs, kills }) {
  const rig = await startRig({ leaseMs });
  const running = async () => (await rig.query('select count(*)::int as n from long where ended_at is null and pid = any($1)', [rig.fleet.pids]))[0].n; // prettier-ignore
  const live = async () =>
    (await rig.query('select count(*)::int as n from simple_queue.job'))[0].n;
  try {
    await enqueueAll(
      rig.queues,
      'long',
      Array.from({ length: jobs }, () => ({ ms })),
    );
    rig.fleet.grow(1);
    for (let kill = 0; kill < kills; kill++) {
      await watch('bystanders', {
        tell: running,
        done: (count) => count >= AT_ONCE / 2,
        everyMs: 20,
        maxMs: 60_000,
      });
      rig.fleet.kill(() => 0);
      await rest(100);
    }
    return await watch('bystanders', {
      tell: live,
      done: (count) => count === 0,
      everyMs: 100,
      maxMs: 300_000,
    });
  } finally {
    await rig.stop();
  }
}
