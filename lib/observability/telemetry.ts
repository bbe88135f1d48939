import type { Job } from '../job/job.js';
import type { Trouble } from '../job/trouble.js';
import type { Outcome } from '../job/outcome.js';
import type { QueueEventListener, QueueEventName } from './events.js';

/** An enqueue call: `jobs` of one queue. */
export interface EnqueueCall {
  queue: string;
  jobs: number;
}

/** A call of a handler: one job, or those of a batch. `outcomeOf` knows what became of each once the call has ended. */
export interface ProcessCall {
  queue: string;
  jobs: readonly Job[];
  outcomeOf(job: Job): Outcome | undefined;
}

/** What a worker of this process works at in one queue. */
export interface QueueLoad {
  queue: string;
  /** Calls of handlers that run. */
  running: number;
  /** Claimed jobs that wait for a slot. */
  claimed: number;
  /** How many calls may run at once. */
  permits: number;
}

/** What waits on a disk for the database. */
export interface SpooledLoad {
  jobs: number;
  bytes: number;
  aside: number;
}

/** How deep a queue is; counts end at 10,000. */
export interface QueueDepth {
  queue: string;
  ready: number;
  running: number;
  scheduled: number;
  blocked: number;
  staged: number;
  deadLetters: number;
  oldestReadyMs?: number;
  /** Ordered groups that a job which failed for good blocks. */
  blockedGroups: number;
}

/** A limit across the fleet, without those per key. */
export interface LimitLoad {
  limit: string;
  /** How many may run at once; missing where only a rate limits. */
  permits?: number;
  /** Of them processes and calls have so many. */
  given: number;
  /** So many more they would have. */
  wanted: number;
  /** It rests for so long, since somebody said to slow down. */
  restMs: number;
}

/** What telemetry may watch. */
export interface TelemetrySource {
  /** Name of the module's instance. */
  instance: string;
  events: {
    /** Listens; the answer stops it. A listener that throws or rejects harms nobody: it is reported as a `warning`. */
    on<Name extends QueueEventName>(name: Name, listener: QueueEventListener<Name>): () => void;
  };
  /** What this process works at now; empty without a worker. */
  load(): QueueLoad[];
  /** Two statements of bounded cost, about all queues. */
  depths(): Promise<QueueDepth[]>;
  /** Only with the option `spool`: what waits on this machine's disk. `aside`: jobs that were refused. */
  spool?(): SpooledLoad;
  /** Limits across the fleet, the first 200 by name. */
  limits(): Promise<LimitLoad[]>;
  /** What waits for a person, as `QueueAdmin.troubles()` lists it. */
  troubles(): Promise<Trouble[]>;
}

/**
 * Watches from outside: `openTelemetry()` of `nestjs-simple-queue/telemetry`, or one of your own. Whatever it throws reaches no job and
 * no caller: without its `next()` the work is done all the same, and it is done once.
 */
export interface Telemetry {
  /** Called once, when the module is made; returns what ends it. */
  start(source: TelemetrySource): () => void;
  /** Around each enqueue call. `next` stores; its headers travel with the jobs, beneath the caller's, where there is room. */
  enqueue?(
    call: EnqueueCall,
    next: (headers?: Record<string, string>) => Promise<unknown>,
  ): Promise<unknown>;
  /** Around each call of a handler, with its carriers and permits. */
  process?(call: ProcessCall, next: () => Promise<void>): Promise<void>;
}
