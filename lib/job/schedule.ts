import type { JobOptions } from './enqueue-options.js';
import type { JobTarget } from './job-template.js';
import type { StoredSchedule } from './new-job.js';
import type { Duration } from './values/duration.js';

/** What a job knows of the schedule that enqueued it. */
export interface JobSchedule {
  /** The schedule's name. */
  name: string;
  /** The time that this run is for, without jitter: an idempotency key together with the name. */
  at: Date;
  /** It was enqueued more than a minute after that time, because nothing ran then, or by a backfill. */
  late: boolean;
}

/** How far behind its time a tick may be made and still counts as made in time. */
export const IN_TIME_MS = 60_000;

/** Of a job that was created then. */
export const jobSchedule = ({ name, at }: StoredSchedule, createdAt: Date): JobSchedule => {
  const time = new Date(at);
  return { name, at: time, late: createdAt.getTime() - time.getTime() > IN_TIME_MS };
};

/** What the change to summer time and back does to fixed times. */
export interface DaylightSavingRule {
  /** A time that the clocks skip runs at the first moment after it (`after`, the default), or not at all (`skip`). */
  skipped?: 'after' | 'skip';
  /** A time that comes twice runs at its first (`first`, the default), or at both (`both`). */
  repeated?: 'first' | 'both';
}

/** What a tick does while the job of an earlier one is live. */
export type ScheduleOverlap = 'allow' | 'skip' | 'queue' | 'cancel';

/** What becomes of ticks that were missed while nothing ran. */
export type ScheduleCatchUp = 'none' | 'once' | 'all';

/** What the jobs of a schedule may say of themselves; what belongs to one job alone is left out. */
export type ScheduledJobOptions = Omit<
  JobOptions,
  | 'id'
  | 'runAt'
  | 'delayMs'
  | 'onConflict'
  | 'periodMs'
  | 'staged'
  | 'commitWithinMs'
  | 'dependsOn'
  | 'payloadBytes'
>;

/** How a schedule behaves, whatever its times are. */
export interface ScheduleOptions {
  /** An IANA time zone, default `UTC`. */
  timeZone?: string;
  /** What the change to summer time and back does to fixed times; default `{ skipped: 'after', repeated: 'first' }`. */
  daylightSaving?: DaylightSavingRule;
  /**
   * What a tick does while the job of an earlier one is live: nothing (`skip`, the default; the tick says so), enqueue another (`allow`),
   * wait for its end (`queue`, at most 100 ticks), or cancel the earlier one (`cancel`).
   */
  overlap?: ScheduleOverlap;
  /** Ticks missed while nothing ran: none of them, one for all (`once`, the default), or all within `catchUpWithinMs`, at most 100. */
  catchUp?: ScheduleCatchUp;
  /** Of `catchUp: 'all'`: how far back, a minute to 30 days; default a day. */
  catchUpWithinMs?: Duration;
  /** Spreads the runs over so many milliseconds, at most a day, by a hash of name and time: the same in every process. Default 0. */
  jitterMs?: Duration;
  /** Nothing happens before. `everyMs` counts from here. */
  startAt?: Date;
  /** Nothing happens from this moment on. */
  endAt?: Date;
  /** Payload of each job, default null. */
  payload?: unknown;
  /** What its jobs say of themselves: priority, attempts, group ... */
  job?: ScheduledJobOptions;
}

/** When it runs: by a cron pattern of five or six fields, or every so many milliseconds (a second to a year). */
export type ScheduleTimes =
  { cron: string; everyMs?: undefined } | { everyMs: Duration; cron?: undefined };

/** What `preview` takes beside names: times and how they are read. */
export type ScheduleRule = ScheduleTimes & Omit<ScheduleOptions, 'payload' | 'job'>;

/** What `QueueSchedules.put` keeps. */
export type NewSchedule = ScheduleTimes & ScheduleOptions & { target: JobTarget };

/** What `@QueueSchedule` says. Its name is that of its handler's queue, with the job's name behind a slash, unless given. */
export type DeclaredSchedule = ScheduleTimes & ScheduleOptions & { name?: string };

/** What became of a time. */
export type TickOutcome =
  | 'enqueued'
  | 'waiting'
  | 'skipped'
  | 'missed'
  | 'existing'
  | 'refused'
  | 'triggered'
  | 'backfilled';

/** One time of a schedule, and what became of it. Kept as long as the archive keeps jobs. */
export interface ScheduleTick {
  at: Date;
  /** When that was decided. */
  madeAt: Date;
  /**
   * `skipped`, `waiting`: an earlier job was live. `missed`: nothing ran then. `existing`: the job's unique key was taken.
   * `refused`: the enqueue was, and `code` says why.
   */
  outcome: TickOutcome;
  /** The job that was enqueued for it, or that holds its unique key. */
  jobId?: string;
  /** Times that were missed and that this line stands for; 1,000 means "at least". */
  times?: number;
  code?: string;
}

/** A schedule as it is kept. */
export interface Schedule {
  name: string;
  owner: string;
  /** By a decorator in code, not by `put`. */
  declared: boolean;
  cron?: string;
  everyMs?: number;
  timeZone: string;
  daylightSaving: Required<DaylightSavingRule>;
  overlap: ScheduleOverlap;
  catchUp: ScheduleCatchUp;
  catchUpWithinMs: number;
  jitterMs: number;
  startAt?: Date;
  endAt?: Date;
  queue: string;
  jobName: string;
  payload: unknown;
  createdAt: Date;
  /** Since when it is paused. */
  pausedAt?: Date;
  /** The next time, without jitter; undefined: it has ended. */
  nextAt?: Date;
  /** The last time that something became of. */
  lastAt?: Date;
  /** What became of the latest time. */
  lastOutcome?: TickOutcome;
  /** Ticks that wait for the end of an earlier job. */
  waiting: number;
  /** Of a declared one: no worker that is alive declares it. */
  undeclared: boolean;
}

/** A declaration and the handler that it stands on. */
export interface FoundSchedule {
  schedule: DeclaredSchedule;
  /** The handler's template, or its queue. */
  target: JobTarget;
  /** Of a handler without a template: `''` for `process`. */
  jobName: string;
  /** Class and method, for messages. */
  label: string;
}

/** Symbol.for, so that two copies of the package still find each other's. */
export const QUEUE_SCHEDULE = Symbol.for('nestjs-simple-queue:schedule');
