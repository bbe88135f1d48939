import type { CheckedJob } from '../enqueue/new-job.js';
import type { Failure } from '../job/failure.js';
import type { AttemptRecord, FoundJob, JobFacts } from '../job/job.js';
import type { JobState, TerminalState } from '../job/job-state.js';
import { EACH_MS, jobProgress, type JobProgress, type SaidProgress } from '../job/progress.js';
import { attemptsOf, type QueuePolicy } from '../options/queue-policy.js';
import type { PulledJob } from '../pull/job-queue.js';
import type { EndedRun } from '../settle/commands.js';
import type { Return } from '../storage/settle/ended-run.js';
import type { StoredOptions } from '../job/new-job.js';

/** How a job ended. */
export interface Ending {
  state: TerminalState;
  output?: unknown;
  worker?: string;
  runMs?: number;
}

const MAX_HISTORY = 20;

/** A job of a store without the tables: its life by the same rules. Times are milliseconds of the store's clock. */
export class PlainJob {
  readonly options: StoredOptions;
  attempt = 0;
  stalls = 0;
  /** 0: none; 1: in flight at a crash; 2: once more after that. */
  suspicion = 0;
  lease: string | undefined;
  cancelAt: number | undefined;
  lastError: Failure | undefined;
  end: (Ending & { at: number }) | undefined;
  history: AttemptRecord[] = [];
  progress: JobProgress | undefined;

  constructor(
    readonly job: CheckedJob,
    readonly createdAt: number,
    public runAt: number,
    /** Whoever came first runs first. */
    public order: number,
  ) {
    this.options = job.options ? (JSON.parse(job.options) as StoredOptions) : {};
  }

  isHungry(now: number): boolean {
    return !this.end && this.lease === undefined && this.runAt <= now;
  }

  /** Takes what the database learns of a run that did not succeed. */
  take(
    { spent, error, entry }: Pick<Return['change'], 'spent' | 'error' | 'entry'>,
    at: number,
  ): void {
    this.attempt += spent;
    if (error) this.lastError = error;
    if (entry)
      this.history = [
        ...this.history.slice(1 - MAX_HISTORY),
        { at: new Date(at).toISOString(), ...entry },
      ];
  }

  /** Its run that is to be settled. */
  ended(policy: QueuePolicy, runMs: number): EndedRun {
    const { id, queue, name } = this.job;
    const chances = {
      maxAttempts: attemptsOf(policy, this.options),
      backoff: this.options.backoff ?? policy.backoff,
    };
    return {
      id,
      epoch: 0,
      laneId: 0,
      queue,
      name,
      attempt: this.attempt + 1,
      runMs,
      policy,
      isOrdered: false,
      isKeyed: false,
      ...chances,
    };
  }

  /** As its run says; more often than the database stores it, it changes nothing. */
  say(said: SaidProgress, now: number): void {
    const isDue = !this.progress || this.progress.at.getTime() <= now - EACH_MS;
    if (!isDue && said.done !== said.of) return;
    const at = new Date(now).toISOString();
    this.progress = jobProgress({ ...said, attempt: this.attempt + 1, at });
  }

  pulled(policy: QueuePolicy): PulledJob {
    const facts = {
      ...this.facts(),
      attempt: this.attempt + 1,
      maxAttempts: attemptsOf(policy, this.options),
    };
    return withoutUndefined({ ...facts, timeoutMs: this.options.timeoutMs ?? policy.timeoutMs });
  }

  found(now: number): FoundJob {
    const { history, progress } = this;
    const cancelRequestedAt =
      this.end || this.cancelAt === undefined ? undefined : new Date(this.cancelAt);
    return withoutUndefined({
      ...this.facts(),
      state: this.stateAt(now),
      history,
      progress,
      cancelRequestedAt,
      ...endFacts(this.end),
    });
  }

  private stateAt(now: number): JobState {
    if (this.end) return this.end.state;
    if (this.lease !== undefined) return 'running';
    return this.runAt <= now ? 'ready' : 'scheduled';
  }

  private facts(): JobFacts {
    const { id, queue, name, priority, labels, payload, payloadBytes, uniqueKey, fingerprint } =
      this.job;
    const { headers = {}, maxAttempts, workflowId, group } = this.options;
    const { attempt, stalls, lastError } = this;
    const counts = { attempt, maxAttempts, stalls, reschedules: 0 };
    const times = { createdAt: new Date(this.createdAt), runAt: new Date(this.runAt) };
    const given = { payloadBytes, uniqueKey, fingerprint, workflowId, group, lastError };
    return {
      id,
      queue,
      name,
      payload: JSON.parse(payload),
      priority,
      headers,
      labels,
      ...counts,
      ...times,
      ...given,
    };
  }
}

const endFacts = (end: PlainJob['end']) =>
  end && { output: end.output, worker: end.worker, runMs: end.runMs, finishedAt: new Date(end.at) };

/** By priority, then by time, then in the order that they came. */
export const inOrder = (a: PlainJob, b: PlainJob): number =>
  a.job.priority - b.job.priority || a.runAt - b.runAt || a.order - b.order;

/** Absent rather than undefined, as results of the database are. */
function withoutUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
