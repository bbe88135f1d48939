import type { EnqueueOutcome } from '../job/enqueue-options.js';
import { failureOf, type Cause, type Failure } from '../job/failure.js';
import type { TerminalState } from '../job/job-state.js';
import type { Again } from '../job/job-result.js';
import { isThenable } from '../job/kinds.js';
import type { JobProgress } from '../job/progress.js';
import type { TickOutcome } from '../job/schedule.js';
import { hintFor } from '../runtime/hint.js';
import type { RunTally } from './run-tally.js';
import type { WorkflowEnd } from '../job/workflow.js';

/** A lease of a pulled claim that was not renewed in time. */
export interface ExpiredLease {
  leaseId: string;
  /** Who had claimed by it. */
  worker: string;
  /** Ids of what it still held: they run again, or have ended as poisoned or cancelled. */
  jobs: string[];
}

/** Whose event it is. Never the payload: payloads stay out of logs. */
export interface JobEvent {
  id: string;
  queue: string;
  name: string;
  attempt: number;
}

/** The only list of what happens; `Output` is what the jobs of a template return. Log, metrics and traces are listeners like any user's. */
export interface QueueEvents<Output = unknown> {
  /** Stored by this process (in a caller's transaction: not yet committed). */
  enqueued: { id: string; queue: string; name: string; outcome: EnqueueOutcome };
  /** A handler is about to be called. `waitMs` since the job was due: the database's clock told when that was, this process's when it began. */
  started: JobEvent & { readonly waitMs: number };
  /** What a run said of its progress is stored: once per second at most, and not each time that it said something. */
  progress: JobEvent & { progress: JobProgress };
  /** The end is stored. `runMs`: how long the handler took, in milliseconds. */
  succeeded: JobEvent & { runMs: number; output: Output };
  /** An attempt failed and another one of `maxAttempts` follows; `again` says when. */
  retried: JobEvent & { runMs: number; error: Failure; maxAttempts: number; again: Again };
  /** The handler asked for another time; no attempt was spent. */
  rescheduled: JobEvent & { runMs: number };
  /** Given back without spending the attempt: shutdown, a declined permit, claimed ahead and not started, a lease lost under it, asked to slow down. */
  released: JobEvent & { reason: 'shutdown' | 'declined' | 'unstarted' | 'leaseLost' | 'slowDown' };
  /** Failed for good, in the dead letter queue: `state` says how. `runMs` is 0 where its process died: whoever found that emits this. */
  failed: JobEvent & {
    state: Exclude<TerminalState, 'succeeded' | 'cancelled'>;
    runMs: number;
    error: Failure;
  };
  /** A claimed job ended as cancelled: its handler said so, or it was asked to stop. What is cancelled while it waits makes no event. */
  cancelled: JobEvent & { reason: string };
  /** This process no longer holds the job: its late answer changed nothing. */
  leaseLost: JobEvent;
  /** A larger output was cut, or one that cannot be stored was left out. */
  outputCut: JobEvent & { problem: string };
  /** The output does not fit its template's schema; it was stored as it is. */
  outputInvalid: JobEvent & { problem: string };
  /** A statement of the poller has returned: how many jobs it asked for and got, and how many successes left with it. */
  polled: { wanted: number; claimed: number; settled: number; ms: number };
  /** The lease of this process could not be renewed in its time: others may take its jobs, which were told to stop. */
  leaseLapsed: { worker: string; jobs: number };
  /** The reaper gave back what silent workers held. `expired`: those leases that were of pulled claims. */
  reaped: {
    leases: number;
    jobs: number;
    poisoned: number;
    cancelled: number;
    expired: ExpiredLease[];
  };
  /** Staged jobs ended because nobody committed them in their time, or (`because: 'dependency'`) a job that they depend on has not succeeded. */
  expired: { jobs: number; because?: 'dependency' };
  /** This worker has decided what becomes of a time of a schedule; `times`: of so many that were missed. */
  ticked: {
    schedule: string;
    queue: string;
    at: Date;
    outcome: TickOutcome;
    jobId?: string;
    times?: number;
    code?: string;
  };
  /** A workflow has ended, moved on by this process. */
  workflowEnded: { id: string; name: string; state: WorkflowEnd; attempt: number };
  /** A compensation has failed, and its workflow waits for a person: `QueueWorkflows.retry` goes on there. */
  workflowStuck: {
    id: string;
    name: string;
    attempt: number;
    step: string;
    /** Of the compensation. */
    jobId: string;
    error?: Cause;
  };
  /** With the option `spool`. `began`: jobs wait on the disk for the database. `over`: all of them are stored, or put aside; `existing`: of them, so many made no new job. */
  spooling:
    | { phase: 'began'; jobs: number }
    | { phase: 'over'; jobs: number; existing: number; aside: number };
  /** A loop met an error of the database and goes on after `restMs`. */
  loopFailed: { loop: string; error: unknown; restMs: number };
  /** Something an operator should know; said once, not per job. */
  warning: { code: string; message: string };
  /** The worker of this process has begun, for these queues. */
  workerStarted: { worker: string; queues: string[] };
  /** It has ended; `released`: jobs that it gave back unfinished. */
  workerStopped: { worker: string; released: number };
}

/** The name of an event, for `@OnJobEvent` and `QueueService.events`. */
export type QueueEventName = keyof QueueEvents;

/** Which of them are of one queue. */
const EVENTS: {
  [Name in QueueEventName]: QueueEvents[Name] extends { queue: string } ? true : false;
} = {
  enqueued: true,
  started: true,
  progress: true,
  succeeded: true,
  retried: true,
  rescheduled: true,
  released: true,
  failed: true,
  cancelled: true,
  leaseLost: true,
  outputCut: true,
  outputInvalid: true,
  polled: false,
  leaseLapsed: false,
  reaped: false,
  expired: false,
  ticked: true,
  workflowEnded: false,
  workflowStuck: false,
  spooling: false,
  loopFailed: false,
  warning: false,
  workerStarted: false,
  workerStopped: false,
};

export const JOB_EVENT_NAMES = Object.freeze(Object.keys(EVENTS) as QueueEventName[]);

/** Says that there is no such event, and which one was meant. */
export const unknownEvent = (name: string): string | undefined =>
  JOB_EVENT_NAMES.includes(name as QueueEventName)
    ? undefined
    : `there is no such event; ${hintFor(String(name), JOB_EVENT_NAMES)}`;

export const isOfQueue = (name: QueueEventName): boolean => EVENTS[name];

/** Hears one event. What it throws harms nobody: it is reported as a `warning`. */
export type QueueEventListener<Name extends QueueEventName, Output = unknown> = (
  event: QueueEvents<Output>[Name],
) => unknown;

/** Emits the typed events of one module instance. An event object is made only when somebody listens. `tally`: counts runs, where it is kept. */
export class QueueEventBus {
  private readonly listeners = new Map<QueueEventName, Set<QueueEventListener<never>>>();

  /** @internal The module makes it. */
  constructor(readonly tally?: RunTally) {}

  /** Listens; the answer stops it. A listener that throws or rejects harms nobody: it is reported as a `warning`. */
  on<Name extends QueueEventName>(name: Name, listener: QueueEventListener<Name>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  hasListener(name: QueueEventName): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends QueueEventName>(name: Name, make: () => QueueEvents[Name]): void {
    const listeners = this.listeners.get(name);
    if (!listeners?.size) return;
    const event = make();
    for (const listener of listeners) this.tell(name, listener as QueueEventListener<Name>, event);
  }

  private tell<Name extends QueueEventName>(
    name: Name,
    listener: QueueEventListener<Name>,
    event: QueueEvents[Name],
  ): void {
    try {
      const answer = listener(event);
      if (isThenable(answer))
        Promise.resolve(answer).catch((error: unknown) => this.complain(name, error));
    } catch (error) {
      this.complain(name, error);
    }
  }

  private complain(name: QueueEventName, error: unknown): void {
    if (name === 'warning') return;
    this.emit('warning', () => ({
      code: 'LISTENER_FAILED',
      message: `A listener of "${name}" failed: ${failureOf(error).message}`,
    }));
  }
}
