import { COST_COLUMNS, drain } from './drain.js';
import { withSnapshot } from './crowd.js';

const PEERS = ['graphile-best', 'boss-best'];

/** Drains of jobs that are not small and equal. */
export const kindRows = [
  kindRow('payload-2k', 'Drain of jobs with 2 KiB', {
    variants: ['ours', ...PEERS, 'bull-best'],
    settings: { payloadBytes: 2_048 },
    size: 'payload2k',
  }),
  kindRow('payload-32k', 'Drain of jobs with 32 KiB', {
    variants: ['ours', ...PEERS, 'bull-best'],
    settings: { payloadBytes: 32_768 },
    size: 'payload32k',
  }),
  kindRow('queues-10', 'Drain of 10 queues with three priorities', {
    note: 'A peer that serves queues one by one has a poller for each.',
    variants: ['ours', ...PEERS],
    settings: { queues: 10, spread: true },
    size: 'drain',
  }),
  kindRow('failing', 'Drain in which one job of ten fails once', {
    note: 'Each failed job is retried at once. graphile-worker waits e^n seconds, and pg-boss fails the whole batch: neither can be told otherwise.',
    variants: ['ours-again', 'bull-again'],
    settings: {},
    size: 'drain',
    handler: 'flaky',
  }),
  kindRow('tally', 'Drain with and without the tally', {
    note: 'The tally (a row per minute, lane and worker) is on by default.',
    variants: ['ours', 'ours-untallied'],
    settings: {},
    size: 'drain',
  }),
  {
    id: 'snapshot-3',
    title: 'Drain by 3 processes while a REPEATABLE READ snapshot is held open',
    variants: ['ours', ...PEERS],
    headline: 'lastToFirst',
    columns: ['jobsPerSecond', 'firstTenth', 'lastTenth', ...COST_COLUMNS],
    run: (lab, variant, context) => withSnapshot(lab, variant, { ...context, processes: 3 }),
    processes: 3,
  },
];

function kindRow(id, title, { note, variants, settings, size, handler }) {
  const run = (lab, variant, context) =>
    drain(lab, variant, {
      ...context,
      count: context.sizes[size],
      settings: { keep: false, ...settings },
      handler,
    });
  return { id, title, note, variants, run, headline: 'jobsPerSecond', columns: COST_COLUMNS };
}
