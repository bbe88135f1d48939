import type { CancelSelector, EnqueueOptions, JobChanges } from '../job/enqueue-options.js';
import type { FoundJob } from '../job/job.js';
import type { JobState } from '../job/job-state.js';
import { checkLabels } from '../job/values/labels.js';
import { inMs } from '../job/values/duration.js';

/** What a test may ask of an enqueued job. */
export interface RecordedJob {
  id: string;
  queue: string;
  payload: unknown;
  options: Omit<EnqueueOptions, 'manager' | 'maxPending'>;
  cancelled: boolean;
}

/** As `QueueService.change` does; what is left out stays as it is. */
export function change(job: RecordedJob, { payload, ...changes }: JobChanges): void {
  if (payload !== undefined) job.payload = JSON.parse(JSON.stringify(payload)) as unknown;
  const given = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  ) as Omit<JobChanges, 'payload'>;
  const { runAt, delayMs, ...rest } = job.options;
  const isTimed = given.runAt !== undefined || given.delayMs !== undefined;
  job.options = { ...rest, ...(isTimed ? {} : { runAt, delayMs }), ...given };
}

/** By its id, whatever its key has met; else by its key. */
export function knownIn(
  jobs: RecordedJob[],
  queue: string,
  { id, uniqueKey }: EnqueueOptions,
): RecordedJob | undefined {
  const byId = id === undefined ? undefined : jobs.find((job) => job.id === id.toLowerCase());
  if (byId || uniqueKey === undefined) return byId;
  return jobs.find(
    (job) => !job.cancelled && job.queue === queue && job.options.uniqueKey === uniqueKey,
  );
}

/** As `find` would answer. */
export function foundOf(job: RecordedJob): FoundJob {
  const given = inMs(job.options, 1);
  const { name = '', priority = 0, headers = {}, labels = [], onConflict, periodMs = 0 } = given;
  const { delayMs = onConflict === 'debounce' ? periodMs : 0 } = given;
  const now = new Date();
  const runAt = job.options.runAt ?? new Date(now.getTime() + delayMs);
  const state = job.cancelled ? 'cancelled' : placeOf(job, runAt > now);
  const counts = { attempt: 0, stalls: 0, reschedules: 0, history: [] };
  return {
    id: job.id,
    queue: job.queue,
    name,
    payload: job.payload,
    priority,
    headers,
    labels: checkLabels(labels),
    state,
    createdAt: now,
    runAt,
    ...counts,
    ...givenIn(job.options),
  };
}

function placeOf({ options }: RecordedJob, isLater: boolean): JobState {
  if (options.staged || options.dependsOn) return 'staged';
  return isLater ? 'scheduled' : 'ready';
}

/** What is there only where it was given. */
function givenIn({
  payloadBytes,
  uniqueKey,
  fingerprint,
  group,
  workflowId,
  maxAttempts,
}: RecordedJob['options']) {
  const bytes = payloadBytes && Buffer.from(payloadBytes);
  const facts = { payloadBytes: bytes, uniqueKey, fingerprint, group, workflowId, maxAttempts };
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined),
  ) as Partial<typeof facts>;
}

export function matchesSelector(
  job: RecordedJob,
  { id, uniqueKey, fingerprint, workflowId, group, queue }: CancelSelector,
): boolean {
  if (queue !== undefined && job.queue !== queue) return false;
  if (id !== undefined) return job.id === id.toLowerCase();
  if (workflowId !== undefined) return job.options.workflowId === workflowId;
  if (group !== undefined) return job.options.group === group;
  return uniqueKey !== undefined
    ? job.options.uniqueKey === uniqueKey
    : job.options.fingerprint === fingerprint;
}
