import type { EntityManager, QueryRunner } from 'typeorm';
import type { StoredBackoff } from './backoff.js';
import type { JobState } from './job-state.js';
import type { Duration } from './values/duration.js';

/** What happens where a job has the `uniqueKey` already; `JobOptions.onConflict` tells each. */
export type OnConflict = 'ignore' | 'replace' | 'debounce' | 'throttle';

/** What an enqueue may say of its job. Only what is given is stored; the worker applies the rest. */
export interface JobOptions {
  /** Caller's UUID: a second enqueue with the same id is a no-op, remembered while archive or dead letter keep the job. */
  id?: string;
  /** Which handler of the queue (`@HandleJob(name)`); default `''`, the handler's `process`. */
  name?: string;
  /** Not before this moment. */
  runAt?: Date;
  /** Not before this many milliseconds from now, by the database's clock. */
  delayMs?: Duration;
  /** Smaller first; any 16-bit integer, default 0. */
  priority?: number;
  /** At most one live job of the queue with this key; a second enqueue answers with the live job's id. 1 to 512 characters. */
  uniqueKey?: string;
  /**
   * What happens where a job has the `uniqueKey` already. `ignore` (the default): nothing. `replace`: a job that waits gets this payload,
   * run time, priority and options. `debounce`: the same, and runs `periodMs` from now. `throttle`: one job a period, whether it still
   * lives or not. A running job is never changed: the outcome is `running`. Not with `id`.
   */
  onConflict?: OnConflict;
  /** Of `debounce` (the rest that is waited for) and `throttle`: milliseconds, 1 to a year, by the database's clock. */
  periodMs?: Duration;
  /** A tag that many jobs may share, for finding and cancelling them. 1 to 512 characters. */
  fingerprint?: string;
  /** Only a worker that has all of these may run it: at most 16, each 1 to 64 of letters, digits and `_ . : / = -`. */
  labels?: string[];
  /** Which workflow it belongs to, for finding and cancelling all of its jobs. 1 to 512 characters. */
  workflowId?: string;
  /** Jobs of the queue that belong together, for `ordered`, for fairness and for cancelling them. 1 to 512 characters. */
  group?: string;
  /** Runs the jobs of the group strictly one after another, in the order in which their enqueues committed; no `priority`. */
  ordered?: boolean;
  /** Keeps the job's place and runs it only after `commit(id)`; `abort(id)`, or `commitWithinMs`, ends it. */
  staged?: boolean;
  /** Milliseconds until a staged job expires without a commit, 1,000 to 30 days; default 300,000 (5 minutes), with `dependsOn` 30 days. */
  commitWithinMs?: Duration;
  /**
   * At most 100 ids of jobs that are known already, or items of the same call: it runs when all of them have succeeded. Where one fails or is cancelled, it
   * ends as `expired` with the code `DEPENDENCY_FAILED`. Until then it is `staged`, for 30 days at most (`commitWithinMs`); `commit(id)` runs it without them.
   */
  dependsOn?: readonly string[];
  /** A small map of strings that travels with the job; at most 8 KiB as JSON. */
  headers?: Record<string, string>;
  /** Attempts before the dead letter queue, 1 to 1,000. */
  maxAttempts?: number;
  /** Rest between attempts; must be storable, so no `custom()`. */
  backoff?: StoredBackoff;
  /** Milliseconds an attempt may take, 1 to a day; then the signal aborts and the attempt fails. */
  timeoutMs?: Duration;
  /** Binary payload beside or instead of the JSON one. */
  payloadBytes?: Uint8Array;
}

/** Whose transaction a call joins. */
export interface InTransaction {
  /** EntityManager or QueryRunner of the caller's open transaction. */
  manager?: EntityManager | QueryRunner;
}

/** How much a queue may hold. */
export interface BackPressure {
  /**
   * Refuses with `QUEUE_FULL` what would make the queue hold more waiting jobs than this (blocked and staged ones too), 1 to 1,000,000;
   * default: the queue's setting.
   * Exact; such enqueues of a queue come one after another until their transactions end, in READ COMMITTED only.
   */
  maxPending?: number;
}

/** Of one enqueue: what the job is, whose transaction it joins, how much its queue may hold. */
export interface EnqueueOptions extends JobOptions, InTransaction, BackPressure {}

/** For all items of a call. */
export interface EnqueueManyOptions extends InTransaction, BackPressure {}

/** One job of an `enqueueMany`. */
export interface EnqueueItem<Payload = unknown> extends JobOptions {
  /** Anything that JSON can hold, at most `maxPayloadBytes` (1 MiB). */
  payload: Payload;
}

/**
 * What became of an enqueue. `existing`: the key or id is known, nothing was stored. `replaced`, `postponed` (by `debounce`): the waiting
 * job was changed. `throttled`: the period is not over. `running`: the job of the key runs, nothing was stored. `spooled`: with the option
 * `spool`; it is safe on this machine's disk, and goes to the database when that is back.
 */
export type EnqueueOutcome =
  'created' | 'existing' | 'replaced' | 'postponed' | 'throttled' | 'running' | 'spooled';

/**
 * `created` is false when the unique key or the id was known already; `id` is then the known job's. It is also false where the job was
 * spooled: whether its key is taken is found out later.
 */
export interface Enqueued {
  id: string;
  created: boolean;
  outcome: EnqueueOutcome;
}

/**
 * Which jobs to cancel: exactly one of the selectors; `uniqueKey` and `group` need their queue, `fingerprint` and `workflowId` may name one.
 */
export interface CancelSelector {
  id?: string;
  uniqueKey?: string;
  fingerprint?: string;
  workflowId?: string;
  group?: string;
  queue?: string;
}

/** What to change of a waiting job; what is left out stays as it is. */
export interface JobChanges<Payload = unknown> {
  /** Not before this moment. */
  runAt?: Date;
  /** Not before this many milliseconds from now, by the database's clock. */
  delayMs?: Duration;
  /** Smaller first; not of a job of an ordered group. */
  priority?: number;
  payload?: Payload;
  payloadBytes?: Uint8Array;
}

/** `state`: where the job stands now; missing where there is no such job. Only what waits is changed. */
export interface ChangeAnswer {
  id: string;
  changed: boolean;
  state?: JobState;
}

/** `cancelled` were waiting and have ended; `requested` are running and were asked to stop. */
export interface CancelCounts {
  cancelled: number;
  requested: number;
}

/** What has become of a staged job. `won`: this very call decided it; `state` is where the job stands now, if it is known. */
export interface CommitAnswer {
  /** `committed` also where it was before, whatever became of it then; a cancelled job counts as `aborted`. */
  outcome: 'committed' | 'aborted' | 'expired' | 'unknown';
  won: boolean;
  state?: JobState;
}
