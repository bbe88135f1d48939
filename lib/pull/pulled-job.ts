import type { Failure } from '../job/failure.js';
import { jobSchedule } from '../job/schedule.js';
import { attemptsOf, type QueuePolicy } from '../options/queue-policy.js';
import type { Lane } from '../job/lane.js';
import { bytesOf, dateOf, type ClaimedRow } from '../storage/claim/row-mapper.js';
import type { StoredOptions } from '../job/new-job.js';
import type { PulledJob } from './job-queue.js';

/** What a worker gets of a claimed row. What a job does not have is left out, as JSON would. */
export function pulledJob(
  row: ClaimedRow,
  { queue, name, labels }: Lane,
  policy: QueuePolicy,
): PulledJob {
  const options = parsed<StoredOptions>(row.options);
  return {
    id: row.id,
    queue,
    name,
    payload: parsed(row.payload),
    priority: row.priority,
    attempt: row.spent + 1,
    maxAttempts: attemptsOf(policy, options),
    stalls: row.stalls,
    reschedules: row.reschedules,
    createdAt: dateOf(row.createdAt),
    runAt: dateOf(row.runAt),
    headers: options?.headers ?? {},
    labels,
    ...given('timeoutMs', options?.timeoutMs ?? policy.timeoutMs),
    ...ofOptions(row, options ?? {}),
    ...given('uniqueKey', row.uniqueKey),
    ...given('fingerprint', row.fingerprint),
    ...given('payloadBytes', row.payloadBytes === null ? null : bytesOf(row.payloadBytes)),
    ...given('lastError', parsed<Failure>(row.lastError)),
  };
}

const ofOptions = (
  row: ClaimedRow,
  { workflowId, group, schedule, checkpoint }: StoredOptions,
) => ({
  ...given('workflowId', workflowId),
  ...given('group', group),
  ...given('schedule', schedule && jobSchedule(schedule, dateOf(row.createdAt))),
  ...given('checkpoint', checkpoint),
});

const parsed = <T = unknown>(text: string | null): T | null =>
  text === null ? null : (JSON.parse(text) as T);

function given<Key extends string, Value>(
  key: Key,
  value: Value | null | undefined,
): { [key in Key]?: Value } {
  return value === null || value === undefined
    ? {}
    : ({ [key]: value } as { [key in Key]?: Value });
}
