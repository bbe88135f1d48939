import type { StoredBackoff } from './backoff.js';
import type { Lane } from './lane.js';

/** What a new job may have to wait for besides its time. */
export interface Held {
  /** '' is the group of a queue that is ordered as a whole, and of what has no group in a fair queue. */
  group?: string;
  ordered?: boolean;
  /** Drawn before the insert, where a batch takes several statements. */
  seq?: string;
  commitWithinMs?: number;
  /** Staged until these jobs have succeeded. */
  dependsOn?: readonly string[];
  /** Its queue is fair: it is with its group. */
  fair?: boolean;
  /** It waits for a permit of this key. */
  limitKey?: string;
}

/** A checked job on its way to the database. */
export interface NewJob extends Held {
  id: string;
  lane: Lane;
  priority: number;
  payload: string;
  payloadBytes?: Buffer | undefined;
  at?: Date | undefined;
  delayMs?: number | undefined;
  uniqueKey?: string | undefined;
  /** undefined: `ignore`. */
  conflict?: 'replace' | 'debounce' | 'throttle';
  periodMs?: number;
  /** The queue's limit, the same for all jobs of a call. */
  maxPending?: number | undefined;
  fingerprint?: string | undefined;
  /** JSON of `StoredOptions`, or undefined. */
  options?: string | undefined;
  /** The id is the caller's: it may be known already. */
  givenId: boolean;
}

/** The rarely used options of a job, stored together as one JSON object. */
export interface StoredOptions {
  headers?: Record<string, string>;
  maxAttempts?: number;
  backoff?: StoredBackoff;
  timeoutMs?: number;
  workflowId?: string;
  /** What the last `context.checkpoint` kept. */
  checkpoint?: unknown;
  /** Attempts that checkpoints have granted. */
  extraAttempts?: number;
  /** When it was first rescheduled, ISO 8601. */
  rescheduledSince?: string;
  /** Travels here rather than in a column of its own: a job without a group costs its claim nothing. */
  group?: string;
  ordered?: true;
  /** For a revival: its place is with its group. */
  fair?: true;
  /** For its settling and a revival: it has a permit of this key. */
  limitKey?: string;
  /** Until it is committed: for whoever has to find out again what it waits for. */
  dependsOn?: readonly string[];
  /** The schedule that enqueued it, and the time that it is for. */
  schedule?: StoredSchedule;
  /** The name of its step: its end is reported to its workflow. */
  step?: string;
}

/** `at`: ISO 8601. */
export interface StoredSchedule {
  name: string;
  at: string;
}
