import { createHash } from 'node:crypto';
import type { EnqueueItem } from '../job/enqueue-options.js';
import type {
  DaylightSavingRule,
  Schedule,
  ScheduleCatchUp,
  ScheduleOverlap,
  ScheduleRule,
  ScheduledJobOptions,
} from '../job/schedule.js';
import { DAY_MS, inMs, type InMs } from '../job/values/duration.js';
import type { ScheduleRow } from '../storage/schedules/schedule.repository.js';
import type { Timetable } from './calendar/calendar.js';

/** How the queue was where the schedule was written: a worker of another service, or the command line, knows no settings of it. */
interface KnownQueue {
  ordered?: boolean;
  fair?: boolean;
  /** Of its payload, which is always the same. */
  limitKey?: string;
  maxPending?: number;
}

/** What the column `spec` holds: times in milliseconds, every default said. */
export interface StoredSpec extends Timetable {
  daylightSaving: Required<DaylightSavingRule>;
  overlap: ScheduleOverlap;
  catchUp: ScheduleCatchUp;
  catchUpWithinMs: number;
  jitterMs: number;
  queue: string;
  job: ScheduledJobOptions;
  known: KnownQueue;
  /** Only in tests: how far its time is ahead of the clock. */
  aheadMs?: number;
}

/** Times and behaviour with their defaults. */
export function specOf(said: ScheduleRule): Omit<StoredSpec, 'queue' | 'job' | 'known'> {
  const rule = inMs(said, 1);
  const { cron, everyMs, startAt, endAt, daylightSaving } = rule;
  return {
    ...(cron === undefined ? { everyMs } : { cron }),
    ...withDefaults(rule),
    daylightSaving: { skipped: 'after', repeated: 'first', ...given(daylightSaving) },
    ...given({ startAt: startAt?.getTime(), endAt: endAt?.getTime() }),
  };
}

const withDefaults = ({
  timeZone = 'UTC',
  overlap = 'skip',
  catchUp = 'once',
  catchUpWithinMs = DAY_MS,
  jitterMs = 0,
}: InMs<ScheduleRule>) => ({ timeZone, overlap, catchUp, catchUpWithinMs, jitterMs });

/** What was given as undefined was not given. */
export const given = <Values extends object>(values: Values | undefined): Values =>
  Object.fromEntries(
    Object.entries(values ?? {}).filter(([, value]) => value !== undefined && value !== null),
  ) as Values;

/** The same for the same schedule in every process of a build: keys stand in the order in which they are written here and there. */
export function hashOf(spec: StoredSpec, payload: string): string {
  return createHash('sha256')
    .update(`${JSON.stringify(sorted(spec))}\n${payload}`)
    .digest('hex')
    .slice(0, 32);
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]),
  );
}

const HASHES = new WeakMap<Schedule, string>();

/** Another one where times, payload or what its jobs say of themselves are others. */
export const hashOfSchedule = (schedule: Schedule): string => HASHES.get(schedule)!;

/** As an application sees it. */
export function scheduleOf(row: ScheduleRow): Schedule {
  const { name, owner, declared, waiting } = row;
  const { cron, everyMs, queue, job, ...spec } = row.spec as StoredSpec;
  const { timeZone, daylightSaving, overlap, catchUp, catchUpWithinMs, jitterMs } = spec;
  const times = {
    startAt: spec.startAt,
    endAt: spec.endAt,
    pausedAt: row.pausedAt,
    nextAt: row.nextAt,
  };
  const dates = Object.entries(given({ ...times, lastAt: row.lastAt })) as [string, number][];
  const schedule: Schedule = {
    ...{ name, owner, declared },
    ...given({ cron, everyMs }),
    ...{ timeZone, daylightSaving, overlap, catchUp, catchUpWithinMs, jitterMs },
    ...{ queue, jobName: job.name ?? '', payload: JSON.parse(row.payload ?? 'null') as unknown },
    ...{ waiting, createdAt: new Date(row.createdAt), undeclared: declared && !row.isDeclared },
    ...(row.lastOutcome && { lastOutcome: row.lastOutcome }),
    ...(Object.fromEntries(
      dates.map(([key, at]) => [key, new Date(Math.round(at))]),
    ) as Partial<Schedule>),
  };
  HASHES.set(schedule, row.hash);
  return schedule;
}

/** What an enqueue would be given. */
export const itemOf = ({ spec, payload }: Pick<ScheduleRow, 'spec' | 'payload'>): EnqueueItem => ({
  payload: JSON.parse(payload ?? 'null') as unknown,
  ...(spec as StoredSpec).job,
});
