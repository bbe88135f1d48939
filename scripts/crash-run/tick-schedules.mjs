import { fileURLToPath } from 'node:url';
import { killAtRandom } from './kill-workers.mjs';
import { rest, seeded, startRig, watch } from './rig.mjs';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';

const SCHEDULES = 20;
const HOUR_MS = 3_600_000;
/** Of eight processes, from half an hour behind to half an hour ahead. */
const SKEWS = [-HOUR_MS / 2, -600_000, -60_000, 0, 0, 60_000, 600_000, HOUR_MS / 2];
const SKEWED = fileURLToPath(new URL('../../test/support/skewed-clock.mjs', import.meta.url));

/**
 * Schedules that run every second, ticked by processes whose clocks are an hour apart, of which one is frozen for a time and others are killed.
 * Each time of each schedule has one job.
 */
export async function tickSchedules({ seconds, kills, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  try {
    rig.fleet.envOf = (index) => ({
      CLOCK_SKEW_MS: String(SKEWS[index % SKEWS.length]),
      NODE_OPTIONS: `--import ${SKEWED}`,
    });
    rig.fleet.grow(SKEWS.length);
    const schedules = rig.app.get(QueueSchedules);
    const names = Array.from({ length: SCHEDULES }, (_, index) => `every-second-${index}`);
    for (const name of names)
      await schedules.put(name, {
        everyMs: 1_000,
        target: 'plain',
        payload: {},
        overlap: 'allow',
        catchUp: 'all',
      });
    const killing = killAtRandom(rig.fleet, kills, seeded(seed), 3_000);
    const frozen = freeze(rig.fleet, seconds);
    await watch('schedules', {
      tell: async () => (await rig.query('select count(*)::int as n from simple_queue.tick'))[0].n,
      done: (ticks) => ticks >= SCHEDULES * seconds,
      maxMs: 4 * seconds * 1_000,
    });
    rig.fleet.enough = true;
    await Promise.all([killing, frozen]);
    for (const name of names) await schedules.pause(name);
    return report(await count(rig), rig.fleet.deaths);
  } finally {
    await rig.stop();
  }
}

/** One process does nothing for most of the time, and then goes on as if nothing had happened. */
async function freeze(fleet, seconds) {
  await rest(5_000);
  const [pid] = fleet.pids;
  process.kill(pid, 'SIGSTOP');
  await rest(Math.min(60, seconds * 0.7) * 1_000);
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It was killed meanwhile.
  }
}

async function count(rig) {
  const [{ ticks, others, gaps }] = await rig.query(
    `select sum(n)::int as ticks, sum(others)::int as others, sum(span + 1 - n)::int as gaps from (
       select count(*) as n, count(*) filter (where outcome <> 'enqueued') as others,
         extract(epoch from max(at) - min(at)) as span from simple_queue.tick group by schedule) s`,
  );
  const [{ doubled, without }] = await rig.query(
    `select (select count(*) - count(distinct options -> 'schedule') from simple_queue.jobs)::int as doubled,
       (select count(*) from simple_queue.tick t where not exists (
          select from simple_queue.jobs j where j.id = t.job))::int as without`,
  );
  return { ticks, others, lost: gaps + without, doubled };
}

function report({ ticks, others, lost, doubled }, deaths) {
  return {
    title: 'Schedules ticked by clocks an hour apart',
    figures: {
      schedules: SCHEDULES,
      ticks,
      kills: deaths,
      'ticks lost': lost,
      'ticks doubled': doubled,
    },
    broken: [
      ...(lost === 0 && others === 0 ? [] : ['each time has its job']),
      ...(doubled === 0 ? [] : ['each time has one job']),
    ],
  };
}
