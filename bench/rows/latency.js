import { rest } from '../worker/clock.js';
import { percentile } from '../report/statistics.js';

const VARIANTS = [
  'ours',
  'graphile',
  'graphile-quick',
  'boss-notify',
  'dbos-quick',
  'bull-best',
  'bull-fsync',
  'bullpg-best',
];

export const latencyRows = [
  latencyRow('latency-idle-same', 'Latency, idle, same process', {
    everyMs: 50,
    size: 'idleLatency',
    processes: 1,
  }),
  latencyRow('latency-idle-other', 'Latency, idle, other process', {
    everyMs: 50,
    size: 'idleLatency',
    processes: 2,
  }),
  latencyRow('latency-500-same', 'Latency at 500 a second, same process', {
    everyMs: 2,
    size: 'busyLatency',
    processes: 1,
  }),
  latencyRow('latency-500-other', 'Latency at 500 a second, other process', {
    everyMs: 2,
    size: 'busyLatency',
    processes: 2,
  }),
];

function latencyRow(id, title, { everyMs, size, processes }) {
  return {
    id,
    title,
    note: "From the return of the enqueueing call (the job's commit) to the start of its handler; in brackets from the call.",
    variants: VARIANTS,
    headline: 'p50Ms',
    better: 'less',
    columns: ['p95Ms', 'p99Ms', 'callP50Ms', 'callP99Ms', 'workerCpu', 'databaseCpu'],
    run: (lab, variant, context) =>
      latency(lab, variant, { ...context, everyMs, count: context.sizes[size], processes }),
  };
}

function latency(lab, variant, { counting, everyMs, count, processes }) {
  return lab.sample(variant, { settings: { keep: false }, counting }, async (sample) => {
    const workers = await sample.spawn(processes);
    const [consumer, producer = consumer] = workers;
    const warm = Math.min(50, count);
    await consumer.call('work', {
      handler: 'stamp',
      numbers: warm + count,
      expected: warm + count,
    });
    await rest(300);
    await producer.call('produce', { count: warm, everyMs: 10 });
    return sample.measured(workers, async () => {
      const { calledAt, returnedAt } = await producer.call('produce', {
        from: warm,
        count,
        everyMs,
      });
      const startedAt = await untilStarted(consumer, { warm, count });
      return { jobs: count, ...figures({ calledAt, returnedAt, startedAt }) };
    });
  });
}

/** A job that has not started after ten seconds is not late but lost, and fails the run. */
async function untilStarted(consumer, { warm, count }) {
  for (let look = 0; look < 200; look++) {
    const { stamps } = await consumer.call('stamps');
    const own = stamps.subarray(warm, warm + count);
    if (own.every((stamp) => stamp > 0)) return own;
    await rest(50);
  }
  throw new Error('Some jobs did not start within 10 seconds.');
}

function figures({ calledAt, returnedAt, startedAt }) {
  const fromReturn = startedAt.map((at, n) => Math.max(0, at - returnedAt[n]));
  const fromCall = startedAt.map((at, n) => at - calledAt[n]);
  return {
    p50Ms: percentile(fromReturn, 50),
    p95Ms: percentile(fromReturn, 95),
    p99Ms: percentile(fromReturn, 99),
    callP50Ms: percentile(fromCall, 50),
    callP99Ms: percentile(fromCall, 99),
  };
}
