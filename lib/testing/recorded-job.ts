import type { EnqueueOptions } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import { checkLabels } from '../job/labels.js';

/** What a test may ask of an enqueued job. */
export interface RecordedJob {
  id: string;
  queue: string;
  payload: unknown;
  options: Omit<EnqueueOptions, 'manager' | 'maxPending'>;
  cancelled: boolean;
}

/** As `find` would answer. */
export function foundOf(job: RecordedJob): FoundJob {
  const { name = '', priority = 0, headers = {}, delayMs = 0 } = job.options;
  const now = new Date();
  const runAt = job.options.runAt ?? new Date(now.getTime() + delayMs);
  const state = job.cancelled ? 'cancelled' : job.options.staged ? 'staged' : runAt > now ? 'scheduled' : 'ready';
  const counts = { attempt: 0, stalls: 0, reschedules: 0, history: [] };
  return {
    id: job.id,
    queue: job.queue,
    name,
    payload: job.payload,
    priority,
    headers,
    state,
    createdAt: now,
    runAt,
    ...counts,
    ...tagsOf(job.options),
  };
}

function tagsOf({ labels = [], workflowId, payloadBytes }: RecordedJob['options']) {
  return {
    labels: checkLabels(labels),
    ...(workflowId !== undefined && { workflowId }),
    ...(payloadBytes && { payloadBytes: Buffer.from(payloadBytes) }),
  };
}
