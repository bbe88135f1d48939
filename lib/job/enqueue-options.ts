import type { EntityManager, QueryRunner } from 'typeorm';
import type { StoredBackoff } from './backoff.js';
import type { TemplateOf } from './job-template.js';

/** What an enqueue may say of its job. Only what is given is stored; the worker applies the rest. */
export interface JobOptions {
  /** Caller's UUID: a second enqueue with the same id is a no-op, remembered while archive or dead letter keep the job. */
  id?: string;
  /** Which handler of the queue (`@HandleJob(name)`); default `''`, the handler's `process`. */
  name?: string;
  /** Not before this moment. */
  runAt?: Date;
  /** Not before this many milliseconds from now, by the database's clock. */
  delayMs?: number;
  /** Smaller first; any 16-bit integer, default 0. */
  priority?: number;
  /** At most one live job of the queue with this key; a second enqueue answers with the live job's id. 1 to 512 characters. */
  uniqueKey?: string;
  /** A tag that many jobs may share, for finding and cancelling them. 1 to 512 characters. */
  fingerprint?: string;
  /** A small map of strings that travels with the job; at most 8 KiB as JSON. */
  headers?: Record<string, string>;
  /** Attempts before the dead letter queue, 1 to 1,000. */
  maxAttempts?: number;
  /** Rest between attempts; must be storable, so no `custom()`. */
  backoff?: StoredBackoff;
  /** Milliseconds an attempt may take, 1 to a day; then the signal aborts and the attempt fails. */
  timeoutMs?: number;
  /** Binary payload beside or instead of the JSON one. */
  payloadBytes?: Uint8Array;
}

/** Whose transaction a call joins. */
export interface InTransaction {
  /** EntityManager or QueryRunner of the caller's open transaction. */
  manager?: EntityManager | QueryRunner;
}

/** How `find` reads the job. */
export interface FindOptions<Payload = unknown, Output = unknown> extends InTransaction {
  /** The job's template: its schemas make payload and output, and the compiler knows their types. */
  as?: TemplateOf<Payload, Output>;
}

export interface EnqueueOptions extends JobOptions, InTransaction {}

export interface EnqueueItem<Payload = unknown> extends JobOptions {
  payload: Payload;
}

/** `created` is false when the unique key or the id was known already; `id` is then the known job's. */
export interface Enqueued {
  id: string;
  created: boolean;
  outcome: 'created' | 'existing';
}

/** Which jobs to cancel: exactly one of the selectors; `uniqueKey` needs its queue, `fingerprint` may name one. */
export interface CancelSelector {
  id?: string;
  uniqueKey?: string;
  fingerprint?: string;
  queue?: string;
}

/** `cancelled` were waiting and have ended; `requested` are running and were asked to stop. */
export interface CancelCounts {
  cancelled: number;
  requested: number;
}
