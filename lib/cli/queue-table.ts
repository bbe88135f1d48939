import type { JobCount, LaneSummary, QueueSummary } from '../admin/overview.js';
import type { Screen } from './screen.js';
import type { Cell } from './table.js';
import { span } from './times.js';

const HEADS = ['queue', 'ready', 'oldest', 'running', 'scheduled', 'blocked', 'dead', 'workers'];

/** Queues at a glance, as a table. */
export async function showQueues(screen: Screen, queues: QueueSummary[]): Promise<void> {
  if (queues.length === 0)
    return screen.say(
      'There are no queues yet: one appears with its first job, or with a worker that has a handler for it.',
    );
  const columns = HEADS.map((head, index) => ({ head, right: index > 0, shrinks: index === 0 }));
  await screen.table([...columns, { head: '' }], queues.map(rowOf));
}

function rowOf({ queue, paused, lanes, ...queued }: QueueSummary): Cell[] {
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
    {
      text: paused ? 'paused' : unserved ? 'no worker' : blockedGroups ? 'group blocked' : '',
      tone: paused ? 'warn' : 'bad',
    },
  ];
}

/** Its jobs wait for a worker that does not live. */
export const isUnserved = ({ ready, workers }: LaneSummary): boolean =>
  ready.jobs > 0 && workers === 0;

export const sumOf = (counts: JobCount[]): JobCount => ({
  jobs: counts.reduce((sum, { jobs }) => sum + jobs, 0),
  atLeast: counts.some(({ atLeast }) => atLeast),
});

export const countText = ({ jobs, atLeast }: JobCount): string =>
  `${jobs.toLocaleString('en-US')}${atLeast ? '+' : ''}`;
