import { enqueueAll, startRig, watch } from './rig.mjs';

const LONG = 8;
const WORKERS = 2;

/** A handler blocks the event loop of its process for longer than two leases, beside jobs that take as long. Nobody may lose anything. */
export async function blockWorkers({ leaseMs = 15_000 }) {
  const rig = await startRig({ leaseMs });
  const ms = 2.5 * leaseMs;
  try {
    await enqueueAll(
      rig.queues,
      'long',
      Array.from({ length: LONG }, () => ({ ms })),
    );
    rig.fleet.grow(WORKERS);
    const started = async () => (await rig.query('select count(*)::int as n from long'))[0].n;
    await watch('block', {
      tell: started,
      done: (count) => count === LONG,
      everyMs: 100,
      maxMs: 60_000,
    });
    await rig.queues.enqueue('blocks', { ms });
    const live = async () =>
      (await rig.query('select count(*)::int as n from simple_queue.job'))[0].n;
    const seconds = await watch('block', {
      tell: live,
      done: (count) => count === 0,
      everyMs: 100,
      maxMs: 10 * ms,
    });
    const again = (await started()) - LONG;
    const figures = {
      'jobs beside it': LONG,
      'blocked for, ms': ms,
      'lease, ms': leaseMs,
      'jobs started again': again,
      seconds,
    };
    return {
      title: 'A handler that blocks the event loop',
      figures,
      broken: again === 0 ? [] : ['a blocked event loop costs no lease'],
    };
  } finally {
    await rig.stop();
  }
}
