import type { Failure } from './failure.js';
import type { JobState } from './job-state.js';
import type { JobProgress } from './progress.js';
import type { JobSchedule } from './schedule.js';

/** One line of a job's history: an attempt that did not succeed, or (`revived`) that an operator made the ended job live again. */
export interface AttemptRecord {
  attempt: number;
  /** When it ended (database time, ISO 8601). */
  at: string;
  /** How the run ended (`failed`, `rescheduled`, ...), or `revived`. */
  outcome: string;
  error?: { name: string; message: string };
  /** Which worker ran it. */
  worker?: string;
  /** How long it ran, in milliseconds. */
  runMs?: number;
}

/** The facts of a job; times are `Date`s of the database's clock. */
export interface JobFacts {
  id: string;
  queue: string;
  name: string;
  payload: unknown;
  priority: number;
  attempt: number;
  maxAttempts?: number;
  stalls: number;
  reschedules: number;
  createdAt: Date;
  runAt: Date;
  headers: Readonly<Record<string, string>>;
  /** What a worker must have to run it, sorted. */
  labels: readonly string[];
  payloadBytes?: Buffer;
  uniqueKey?: string;
  fingerprint?: string;
  workflowId?: string;
  group?: string;
  lastError?: Failure;
  /** What the last `context.checkpoint` kept. */
  checkpoint?: unknown;
  /** The schedule that enqueued it. */
  schedule?: JobSchedule;
}

/**
 * What a handler gets. Decorated methods can name the class.
 *
 * `attempt` counts this run (1 for the first); `stalls` counts crashes of the process under the job, from the
 * third in a row on;
 * `reschedules` counts runs that ended by `JobResult.reschedule...`.
 */
export abstract class Job<Payload = unknown> implements JobFacts {
  /** A UUID, the same over all attempts: an idempotency key for other systems. */
  abstract readonly id: string;
  abstract readonly queue: string;
  /** Which handler of the queue; `''` when none was named. */
  abstract readonly name: string;
  /** What was enqueued; of a template with a schema: what that made of it. */
  abstract readonly payload: Payload;
  abstract readonly payloadBytes?: Buffer;
  /** Smaller runs first. */
  abstract readonly priority: number;
  abstract readonly attempt: number;
  /** Attempts before the dead letter queue, with those that checkpoints have granted. */
  abstract readonly maxAttempts: number;
  abstract readonly stalls: number;
  abstract readonly reschedules: number;
  /** When it was enqueued, by the database's clock. */
  abstract readonly createdAt: Date;
  /** When this run was due, by the database's clock. */
  abstract readonly runAt: Date;
  abstract readonly headers: Readonly<Record<string, string>>;
  /** What a worker must have to run it, sorted. */
  abstract readonly labels: readonly string[];
  abstract readonly uniqueKey?: string;
  abstract readonly fingerprint?: string;
  abstract readonly workflowId?: string;
  abstract readonly group?: string;
  /** Of the attempt that failed last; undefined when none has. */
  abstract readonly lastError?: Failure;
  /** What `context.checkpoint` kept in an earlier run; undefined when there was none. Checkpoints of this run do not change it. */
  abstract readonly checkpoint?: unknown;
  /** Which schedule enqueued it, and for which time; undefined: none did. */
  abstract readonly schedule?: JobSchedule;
}

/** What `QueueService.find` returns: the job wherever it is. */
export interface FoundJob<Payload = unknown, Output = unknown> extends JobFacts {
  payload: Payload;
  state: JobState;
  /** Runs that counted; 0 before the first. */
  attempt: number;
  /** Attempts that checkpoints have granted beyond `maxAttempts`. */
  extraAttempts?: number;
  /** What the handler returned, when it succeeded. */
  output?: Output;
  /** Attempts that did not succeed, and revivals by an operator, oldest first, at most the last 20. */
  history: AttemptRecord[];
  /** What a run said last by `context.progress`; what an earlier attempt said stays until this one says something. */
  progress?: JobProgress;
  /** What its queue's `perKey` read from it. */
  limitKey?: string;
  /** A cancel was requested while it runs. */
  cancelRequestedAt?: Date;
  /** Until when it has to be committed, while it is staged. */
  commitBy?: Date;
  /** Worker that ended it, how long that run took, and when. */
  worker?: string;
  runMs?: number;
  finishedAt?: Date;
}
