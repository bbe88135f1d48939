import type { CheckedJob } from '../enqueue/new-job.js';
import type { Failure } from '../job/failure.js';
import type { AttemptRecord, FoundJob, JobFacts } from '../job/job.js';
import type { JobState, TerminalState } from '../job/job-state.js';
import type { Chances } from '../job/outcome.js';
import { attemptsOf, type QueuePolicies, type QueuePolicy } from '../options/queue-policy.js';
import type { PulledJob } from '../pull/job-queue.js';
import type { StoredOptions } from '../storage/row-mapper.js';

/** How a job ended, and until when it is kept. */
interface End {
  state: TerminalState;
  at: number;
  until: number;
  output?: unknown;
  worker?: string;
  runMs?: number;
}

const MAX_HISTORY = 20;

/** A job that lives in memory; times are milliseconds of the queue's clock. */
export class MemoryJob {
  readonly options: StoredOptions;
  attempt = 0;
  stalls = 0;
  /** 0: none; 1: in flight at a crash; 2: once more after that. */
  suspicion = 0;
  lease: string | undefined;
  cancelAt: number | undefined;
  lastError: Failure | undefined;
  end: End | undefined;
  history: AttemptRecord[] = [];

  constructor(
    readonly job: CheckedJob,
    readonly createdAt: number,
    public runAt: number,
    /** Whoever came first runs first. */
    public order: number,
  ) {
    this.options = job.options ? (JSON.parse(job.options) as StoredOptions) : {};
  }

  isWaiting(now: number): boolean {
    return !this.end && this.lease === undefined && this.runAt <= now;
  }

  tell(entry: Omit<AttemptRecord, 'attempt'>): void {
    this.history = [...this.history.slice(1 - MAX_HISTORY), { attempt: this.attempt + 1, ...entry }];
  }

  /** What decides between another attempt and the end of its run. */
  chances(policies: QueuePolicies): Pick<Chances, 'attempt' | 'maxAttempts' | 'backoff'> {
    const policy = policies.of(this.job.queue);
    const backoff = this.options.backoff ?? policy.backoff;
    return { attempt: this.attempt + 1, maxAttempts: attemptsOf(policy, this.options), backoff };
  }

  pulled(policy: QueuePolicy): PulledJob {
    const facts = { ...this.facts(), attempt: this.attempt + 1, maxAttempts: attemptsOf(policy, this.options) };
    return withoutUndefined({ ...facts, timeoutMs: this.options.timeoutMs ?? policy.timeoutMs });
  }

  found(now: number): FoundJob {
    const { history } = this;
    const cancelRequestedAt = this.end || this.cancelAt === undefined ? undefined : new Date(this.cancelAt);
    return withoutUndefined({ ...this.facts(), state: this.stateAt(now), history, cancelRequestedAt, ...endFacts(this.end) });
  }

  private stateAt(now: number): JobState {
    if (this.end) return this.end.state;
    if (this.lease !== undefined) return 'running';
    return this.runAt <= now ? 'ready' : 'scheduled';
  }

  private facts(): JobFacts {
    const { id, queue, name, priority, labels, payload, payloadBytes, uniqueKey, fingerprint } = this.job;
    const { headers = {}, maxAttempts, workflowId, group } = this.options;
    const { attempt, stalls, lastError } = this;
    const counts = { attempt, maxAttempts, stalls, reschedules: 0 };
    const times = { createdAt: new Date(this.createdAt), runAt: new Date(this.runAt) };
    const given = { payloadBytes, uniqueKey, fingerprint, workflowId, group, lastError };
    return { id, queue, name, payload: JSON.parse(payload), priority, headers, labels, ...counts, ...times, ...given };
  }
}

const endFacts = (end: End | undefined) =>
  end && { output: end.output, worker: end.worker, runMs: end.runMs, finishedAt: new Date(end.at) };

/** By priority, then by time, then in the order that they came. */
export const inOrder = (a: MemoryJob, b: MemoryJob): number =>
  a.job.priority - b.job.priority || a.runAt - b.runAt || a.order - b.order;

/** Absent rather than undefined, as the database's answers are. */
function withoutUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
