import { DAY_MS } from '../job/values/duration.js';
import { checkedJob } from '../enqueue/new-job.js';
import { checkObject } from '../enqueue/option-checks.js';
import { templatedItem } from '../enqueue/templated-item.js';
import type { EnqueueItem } from '../job/enqueue-options.js';
import { isTemplate, type JobTarget } from '../job/job-template.js';
import { checkQueueName } from '../job/names.js';
import { payloadText } from '../job/values/payload.js';
import { QueueError } from '../job/queue.errors.js';
import type { ScheduledJobOptions, ScheduleOptions, ScheduleTimes } from '../job/schedule.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Calendar, Timetable } from './calendar/calendar.js';
import { checkRules } from './spec-rules.js';
import { given, hashOf, specOf, type StoredSpec } from './stored-spec.js';

const YEAR_MS = 366 * DAY_MS;

/** A schedule that was checked, on its way to the database. */
export interface Draft {
  name: string;
  declared: boolean;
  spec: StoredSpec;
  payload: string;
  hash: string;
  calendar: Calendar;
}

/** What is given, whoever gives it. */
type Given = ScheduleTimes & ScheduleOptions & { target: JobTarget };

/** What belongs to one job alone, or holds it back by other means than a schedule has. */
const NOT_SCHEDULED = [
  'id',
  'runAt',
  'delayMs',
  'onConflict',
  'periodMs',
  'staged',
  'commitWithinMs',
  'dependsOn',
  'payloadBytes',
];

/**
 * Checks all that there is to check without the database: nothing half-written is left of a schedule that is refused.
 * @throws QueueError `INVALID_OPTION`, `INVALID_NAME`, `INVALID_PAYLOAD`, `PAYLOAD_TOO_LARGE`, `SCHEDULE_PATTERN_INVALID`, `SCHEDULE_ZONE_UNKNOWN`,
 * `SCHEDULE_NEVER_RUNS`
 */
export async function draftOf(
  name: string,
  rule: Given,
  { options, call }: { options: ResolvedOptions; call: 'put' | '@QueueSchedule' },
): Promise<Draft> {
  checkRules(call === 'put' ? rule : withoutTarget(rule), call, `schedule "${name}"`);
  const times = specOf(rule);
  const calendar = await calendarFor(name, times);
  const { queue, payload, job } = await jobsOf(rule);
  const { maxPayloadBytes } = options;
  const shape = { ...knownOf(options, queue), by: new QueuePolicies(options).of(queue).by };
  const { limitKey } = checkedJob(queue, payload, job, {
    maxPayloadBytes,
    newId: () => '',
    ...shape,
  });
  const known = { ...knownOf(options, queue), ...(limitKey !== undefined && { limitKey }) };
  const spec = { ...times, queue, job, known };
  const text = payloadText(payload, maxPayloadBytes);
  return {
    name,
    declared: call !== 'put',
    spec,
    payload: text,
    hash: hashOf(spec, text),
    calendar,
  };
}

const withoutTarget = (rule: Given): object =>
  Object.fromEntries(Object.entries(rule).filter(([key]) => key !== 'target'));

function knownOf(options: ResolvedOptions, queue: string): StoredSpec['known'] {
  const { ordered, fair, maxPending } = new QueuePolicies(options).of(queue);
  return {
    ...(ordered && { ordered }),
    ...(fair && { fair }),
    ...(maxPending !== undefined && { maxPending }),
  };
}

async function jobsOf({
  target,
  payload = null,
  job = {},
}: Given): Promise<{ queue: string; payload: unknown; job: ScheduledJobOptions }> {
  checkObject('job', job, 'schedule');
  refuseOwn(job, 'job');
  if (!isTemplate(target)) return { queue: checkQueueName(target), payload, job: given(job) };
  const made: EnqueueItem = await templatedItem(target, { ...job, payload });
  const { payload: same, ...options } = made;
  // The schedule says when.
  delete options.delayMs;
  refuseOwn(options, `the defaults of template "${target.queue}"`);
  return { queue: target.queue, payload: same, job: given(options) };
}

function refuseOwn(job: object, where: string): void {
  const own = NOT_SCHEDULED.find(
    (option) => (job as Record<string, unknown>)[option] !== undefined,
  );
  if (own)
    throw new QueueError(
      'INVALID_OPTION',
      `schedule: ${where}: ${own} cannot be given for the jobs of a schedule, which says when each runs.`,
    );
}

/** Whatever the time is now: a declaration that has ended must not stop a start. What reads patterns is loaded by who has a schedule. */
async function calendarFor(name: string, times: Timetable): Promise<Calendar> {
  const { calendarOf } = await import('./calendar/calendar.js');
  const calendar = calendarOf(times);
  const { startAt, endAt } = times;
  const now = Date.now();
  const after =
    startAt !== undefined
      ? startAt - 1
      : endAt !== undefined
        ? Math.min(now, endAt - YEAR_MS)
        : now;
  if (calendar.next(after) === undefined) throw neverRuns(name);
  return calendar;
}

export function neverRuns(name: string): QueueError {
  const message = `Schedule "${name}" would never run: its pattern names no day that there is (such as 31 February), or all its times lie before startAt or from endAt on.`;
  return new QueueError('SCHEDULE_NEVER_RUNS', message);
}
