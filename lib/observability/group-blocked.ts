import type { DeadHead } from '../job/job-state.js';
import type { JobEvents } from './events.js';

/** A job of an ordered group that ended badly, and what its queue says of such. */
export interface DeadHeadJob {
  id: string;
  queue: string;
  /** undefined or empty: the whole queue is one group. */
  group?: string | undefined;
  deadHead: DeadHead;
}

/** Whoever ends such a job says it, unless the followers go on. */
export function groupBlocked({ id, queue, group, deadHead }: DeadHeadJob): JobEvents['warning'] {
  const which = group ? `Group "${group}" of queue "${queue}"` : `Queue "${queue}"`;
  const what = deadHead === 'halt' ? 'and every ordered group of the queue is halted' : 'is blocked';
  const message = `${which} ${what} by job ${id}, which ended badly. Retry, purge or release it.`;
  return { code: 'GROUP_BLOCKED', message };
}
