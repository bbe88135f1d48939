import type { OnDeadJob } from '../job/job-state.js';
import type { QueueEvents } from './events.js';

/** A job of an ordered group that failed for good, and what its queue says of such. */
export interface BlockingJob {
  id: string;
  queue: string;
  /** undefined or empty: the whole queue is one group. */
  group?: string | undefined;
  onDeadJob: OnDeadJob;
}

/** Whoever ends such a job says it, unless the followers go on. */
export function groupBlocked({ id, queue, group, onDeadJob }: BlockingJob): QueueEvents['warning'] {
  const which = group ? `Group "${group}" of queue "${queue}"` : `Queue "${queue}"`;
  const what =
    onDeadJob === 'halt' ? 'and every ordered group of the queue is halted' : 'is blocked';
  const message = `${which} ${what} by job ${id}, which failed. Retry, purge or release it.`;
  return { code: 'GROUP_BLOCKED', message };
}
