import { rest } from '../worker/clock.js';

/** A resolver that looks each 5 s gets to a second step. */
const LIMIT_MS = 12_000;
const WARM = 200;
const VARIANTS = ['ours', 'boss', 'boss-flow', 'dbos-quick', 'bull-best', 'bull-fsync'];

/** Jobs that wait for other jobs: workflows here, flows elsewhere. graphile-worker has none. */
export const flowRows = [
  flowRow('flow-chain', 'Workflow: a chain of 100 jobs', {
    note: 'From the start of a job to the start of the one that waits for it, on average; pg-boss gets to the first ones within 12 s.',
    kind: 'chain',
    headline: 'stepMs',
  }),
  flowRow('flow-fan', 'Workflow: 10,000 jobs side by side, and one that waits for all', {
    note: 'From the start of the first job to the start of the last one.',
    kind: 'fan',
    headline: 'flowMs',
  }),
];

function flowRow(id, title, { note, kind, headline }) {
  return {
    id,
    title,
    note,
    variants: VARIANTS,
    headline,
    better: 'less',
    columns: ['storeMs', 'jobs', 'workerCpu', 'databaseCpu', 'statementsPerJob'],
    run: (lab, variant, context) => flow(lab, variant, { ...context, kind }),
    samples: 3,
  };
}

function flow(lab, variant, { sizes, counting, kind }) {
  const count = sizes[kind];
  return lab.sample(variant, { settings: { keep: false }, counting }, async (sample) => {
    const [worker] = await sample.spawn(1);
    // Few: what a slow system leaves over would stand before the flow.
    await sample.warm([worker], WARM, sizes.warmMs);
    await worker.call('work', { handler: 'stamp', numbers: count, expected: count });
    await rest(300);
    return sample.measured([worker], async () => {
      const { ms } = await worker.call('flow', { kind, count });
      const stamps = await untilOver(worker);
      const reached = stamps.filter((at) => at > 0);
      const took = Math.max(...reached) - Math.min(...reached);
      const isOver = reached.length === count;
      return {
        jobs: reached.length,
        storeMs: ms,
        stepMs: took / (reached.length - 1),
        flowMs: isOver ? took : undefined,
      };
    });
  });
}

async function untilOver(worker) {
  for (let restMs = 0; ; restMs += 20) {
    const { stamps } = await worker.call('stamps');
    if (stamps.at(-1) > 0 || restMs >= LIMIT_MS) return stamps;
    await rest(20);
  }
}
