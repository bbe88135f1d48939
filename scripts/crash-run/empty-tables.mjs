import { killAtRandom } from './kill-workers.mjs';
import { enqueueAll, rest, seeded, startRig, watch } from './rig.mjs';

const WORKERS = 3;
const JOBS = 500;

/**
 * The tables are emptied under a living fleet and a living producer, each as often, again and again: lanes vanish, and their numbers with them.
 * What is enqueued afterwards runs, each job once, and in its own queue's handler.
 */
export async function emptyTables({ rounds, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  const random = seeded(seed);
  let seconds = 0;
  try {
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, Infinity, random, 3_000);
    for (let round = 1; round <= rounds; round++) {
      // In the middle of what is under way, for which nobody answers then.
      const before = enqueueAll(rig.queues, 'plain', payloads(round, 'before')).catch(
        () => undefined,
      );
      await rest(200 * random());
      await empty(rig, random() < 0.5);
      await before;
      await enqueueAll(rig.queues, 'ledger', payloads(round, 'after'));
      const done = async () =>
        (await rig.query('select count(distinct job)::int as n from effect'))[0].n;
      seconds += await watch(`emptied ${round}`, {
        tell: done,
        done: (count) => count === round * JOBS,
        everyMs: 100,
        maxMs: 120_000,
      });
    }
    rig.fleet.enough = true;
    await killing;
    const [{ twice }] = await rig.query(
      'select (count(*) - count(distinct job))::int as twice from effect',
    );
    const figures = {
      rounds,
      'jobs after them': rounds * JOBS,
      seconds: Math.round(seconds),
      'effects done twice': twice,
    };
    return {
      title: 'Tables emptied under a living fleet',
      figures,
      broken: twice === 0 ? [] : ['each job afterwards has its effect once'],
    };
  } finally {
    await rig.stop();
  }
}

const payloads = (round, when) => Array.from({ length: JOBS }, (_, n) => ({ round, when, n }));

/** As tests that clean up do it: with new numbers, or with the old ones again. */
function empty({ query }, restart) {
  return query(
    `truncate simple_queue.queue, simple_queue.lane, simple_queue.job, simple_queue.ready, simple_queue.claim, simple_queue.lease,
       simple_queue.lapsed, simple_queue.suspect, simple_queue.scheduled ${restart ? 'restart identity' : ''} cascade`,
  );
}
