import type { JobCount, LaneSummary, QueueSummary } from '../../admin/overview.js';
import { needsSomebody, type Trouble, type TroubleCode } from '../../job/trouble.js';
import type { Screen } from './screen.js';
import type { Cell } from './table.js';
import { span } from './times.js';

const HEADS = ['queue', 'ready', 'oldest', 'running', 'scheduled', 'blocked', 'dead', 'workers'];

/** Queues at a glance, as a table. */
export async function showQueues(
  screen: Screen,
  queues: QueueSummary[],
  troubles: Trouble[] = [],
): Promise<void> {
  if (queues.length === 0)
    return screen.say(
      'There are no queues yet: one appears with its first job, or with a worker that has a handler for it.',
    );
  const columns = HEADS.map((head, index) => ({ head, right: index > 0, shrinks: index === 0 }));
  await screen.table(
    [...columns, { head: '' }],
    queues.map((queue) => rowOf(queue, troubles)),
  );
}

function rowOf(summary: QueueSummary, troubles: Trouble[]): Cell[] {
  const { queue, lanes, ...queued } = summary;
  const { ready, running, scheduled, blocked, blockedGroups, deadLetters, oldestReadyMs } = queued;
  const unserved = lanes.some(isUnserved);
  return [
    { text: queue, tone: 'strong' },
    countText(ready),
    oldestReadyMs === undefined ? '' : span(oldestReadyMs),
    countText(running),
    countText(scheduled),
    { text: countText(blocked), tone: blockedGroups && 'bad' },
    { text: countText(deadLetters), tone: deadLetters.jobs > 0 ? 'bad' : undefined },
    {
      text: String(lanes.reduce((most, { workers }) => Math.max(most, workers), 0)),
      tone: unserved ? 'bad' : undefined,
    },
    troubleCell(summary, troubles),
  ];
}

/** What `status` says of this queue. */
const troublesOf = ({ queue, paused, lanes }: QueueSummary, troubles: Trouble[]): Trouble[] =>
  troubles.filter((trouble) =>
    trouble.code === 'NO_WORKER' ? !paused && lanes.some(isUnserved) : trouble.queue === queue,
  );

/** The same as codes: for `--json`, each once. */
export const codesOf = (summary: QueueSummary, troubles: Trouble[]): TroubleCode[] => [
  ...new Set(troublesOf(summary, troubles).map(({ code }) => code)),
];

/** A pause that holds nothing up is no trouble. */
export function troubleCell(summary: QueueSummary, troubles: Trouble[]): Cell {
  const own = troublesOf(summary, troubles);
  if (own.length === 0) return summary.paused ? { text: 'paused', tone: 'warn' } : '';
  const text = codesOf(summary, troubles).join(', ');
  return { text, tone: own.some(needsSomebody) ? 'bad' : 'warn' };
}

/** Its jobs wait for a worker that does not live. */
export const isUnserved = ({ ready, workers }: LaneSummary): boolean =>
  ready.jobs > 0 && workers === 0;

export const countText = ({ jobs, atLeast }: JobCount): string =>
  `${jobs.toLocaleString('en-US')}${atLeast ? '+' : ''}`;
