import type { EntityManager, QueryRunner } from 'typeorm';
import type { StoredBackoff } from './backoff.js';

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
  /** Only a worker that has all of these may run it: at most 16, each 1 to 64 of letters, digits and `_ . : / = -`. */
  labels?: string[];
  /** Which workflow it belongs to, for finding and cancelling all of its jobs. 1 to 512 characters. */
  workflowId?: string;
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

export interface EnqueueOptions extends JobOptions, InTransaction {}

export interface EnqueueItem extends JobOptions {
  payload: unknown;
}

/** `created` is false when the unique key or the id was known already; `id` is then the known job's. */
export interface Enqueued {
  id: string;
  created: boolean;
  outcome: 'created' | 'existing';
}

/** Which jobs to cancel: exactly one of the selectors; `uniqueKey` needs its queue, `fingerprint` and `workflowId` may name one. */
export interface CancelSelector {
  id?: string;
  uniqueKey?: string;
  fingerprint?: string;
  workflowId?: string;
  queue?: string;
}

/** `cancelled` were waiting and have ended; `requested` are running and were asked to stop. */
export interface CancelCounts {
  cancelled: number;
  requested: number;
}
