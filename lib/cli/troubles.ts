import type { QueueSummary, WorkerSummary } from '../admin/overview.js';
import { counted } from './numbers.js';
import { countText, isUnserved, sumOf } from './queue-table.js';
import { span } from './times.js';

/** Something that will not mend itself. */
export interface Trouble {
  code: 'NO_WORKER' | 'WORKER_SILENT' | 'NO_HANDLER' | 'GROUP_BLOCKED';
  queue?: string;
  text: string;
}

/** What is wrong for certain; a paused queue is meant to stand still. */
export function troublesOf(queues: QueueSummary[], workers: WorkerSummary[]): Trouble[] {
  const live = workers.filter((worker) => worker.live);
  const blocked = queues.flatMap(groupsBlocked);
  if (live.length === 0) return [...noWorker(queues), ...silent(workers), ...blocked];
  return [
    ...silent(workers),
    ...queues.filter((queue) => !queue.paused).flatMap(noHandler),
    ...blocked,
  ];
}

function noWorker(queues: QueueSummary[]): Trouble[] {
  const held = sumOf(queues.flatMap(({ ready, running, blocked }) => [ready, running, blocked]));
  if (held.jobs === 0) return [];
  return [
    {
      code: 'NO_WORKER',
      text: `No worker is alive, and ${countText(held)} ${held.jobs === 1 ? 'job waits' : 'jobs wait'}.`,
    },
  ];
}

function silent(workers: WorkerSummary[]): Trouble[] {
  return workers
    .filter((worker) => !worker.live)
    .map(({ worker, expiresAt, jobs }) => ({
      code: 'WORKER_SILENT',
      text: `Worker ${worker} is silent for ${span(Date.now() - expiresAt.getTime())} beyond its lease, and holds ${counted(jobs, 'job')}.`,
    }));
}

function groupsBlocked({ queue, blockedGroups }: QueueSummary): Trouble[] {
  if (!blockedGroups) return [];
  const { groups, since } = blockedGroups;
  const what = `${counted(groups, 'ordered group is', 'ordered groups are')} blocked by a failed job`;
  const text = `Queue "${queue}": ${what}, the longest for ${span(Date.now() - since.getTime())}: simple-queue groups ${queue}`;
  return [{ code: 'GROUP_BLOCKED', queue, text }];
}

function noHandler({ queue, lanes }: QueueSummary): Trouble[] {
  return lanes.filter(isUnserved).map(({ name, ready }) => ({
    code: 'NO_HANDLER',
    queue,
    text: `No live worker has a handler for ${name ? `"${name}" of ` : ''}queue "${queue}": ${countText(ready)} ${ready.jobs === 1 ? 'job waits' : 'jobs wait'}.`,
  }));
}
