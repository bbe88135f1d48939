import type { Cause } from '../job/failure.js';
import type { FoundJob } from '../job/job.js';
import { jobProgress } from '../job/progress.js';
import type { ListedRow } from '../storage/reading/listing.repository.js';

/** A job of a list: all but what may be large. `QueueAdmin.job(id)` returns the rest. */
export type ListedJob = Pick<
  FoundJob,
  | 'id'
  | 'queue'
  | 'name'
  | 'state'
  | 'priority'
  | 'attempt'
  | 'stalls'
  | 'reschedules'
  | 'createdAt'
  | 'runAt'
  | 'uniqueKey'
  | 'fingerprint'
  | 'labels'
  | 'group'
  | 'workflowId'
  | 'cancelRequestedAt'
  | 'worker'
  | 'runMs'
  | 'finishedAt'
  | 'progress'
> & {
  /** Without its stack and causes. */
  lastError?: Cause;
};

export function listedJob(row: ListedRow): ListedJob {
  const { id, queue, name, state, priority, attempt, stalls, reschedules, labels } = row;
  const counts = { priority, attempt, stalls, reschedules };
  const times = { createdAt: row.created_at, runAt: row.run_at };
  const optional = {
    uniqueKey: row.unique_key,
    fingerprint: row.fingerprint,
    group: row.group_name,
    workflowId: row.workflow_id,
    lastError: row.last_error,
    progress: row.progress && jobProgress(row.progress),
    cancelRequestedAt: row.cancel_at,
    worker: row.worker,
    runMs: row.run_ms,
    finishedAt: row.finished_at,
  };
  return {
    ...{ id, queue, name, state, ...counts, labels, ...times },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  };
}
