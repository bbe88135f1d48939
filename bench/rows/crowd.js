import pg from 'pg';
import { COST_COLUMNS, drain } from './drain.js';

const VARIANTS = ['ours', 'graphile-best', 'boss-best', 'bull-best'];

/** A drain with something in the way. */
export const crowdRows = [
  crowdRow('crowd-none', 'Drain beside nothing, for comparison', undefined),
  crowdRow('crowd-future', 'Drain beside 1,000,000 future jobs', 'later'),
  crowdRow('crowd-elsewhere', 'Drain beside 1,000,000 jobs of another queue', 'elsewhere'),
  {
    id: 'snapshot',
    title: 'Drain of 300,000 while a REPEATABLE READ snapshot is held open',
    note: 'The last tenth beside the first: dead rows cannot be removed, and must not slow the queue down.',
    variants: ['ours', 'graphile-best', 'boss-best'],
    headline: 'lastToFirst',
    columns: ['jobsPerSecond', 'firstTenth', 'lastTenth', ...COST_COLUMNS],
    run: withSnapshot,
    samples: 3,
  },
];

function crowdRow(id, title, kind) {
  const run = (lab, variant, context) => {
    const prepare =
      kind && ((sample) => sample.fill({ from: 0, count: context.sizes.crowd, kind }));
    const count = context.sizes.crowdDrain;
    return drain(lab, variant, { ...context, count, settings: { keep: false }, prepare });
  };
  return {
    id,
    title,
    variants: VARIANTS,
    headline: 'jobsPerSecond',
    columns: COST_COLUMNS,
    run,
    samples: 3,
  };
}

export async function withSnapshot(lab, variant, context) {
  const sizes = { ...context.sizes, limitMs: context.sizes.limitMs * 3 };
  const count = sizes.snapshot;
  const prepare = (sample) => holdSnapshot(sample.target.settings.url);
  const figures = await drain(lab, variant, {
    ...context,
    sizes,
    count,
    settings: { keep: false },
    prepare,
  });
  return { ...figures, ...tenths(figures, count) };
}

/** A report that somebody left open: nothing deleted from now on can be removed. */
export async function holdSnapshot(url) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin isolation level repeatable read; select 1');
  return { release: () => client.end() };
}

/** Of a drain that was cut short by its time limit, the last tenth is the last that it finished. */
function tenths({ marks }, count) {
  const rate = (from, to) => ((count / 10) * 1_000) / (to - from);
  if (marks.length < 3) return { firstTenth: 0, lastTenth: 0, lastToFirst: 0 };
  const firstTenth = rate(marks[0], marks[1]);
  const lastTenth = rate(marks.at(-2), marks.at(-1));
  return { firstTenth, lastTenth, lastToFirst: lastTenth / firstTenth };
}
