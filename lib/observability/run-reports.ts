import type { Outcome } from '../job/outcome.js';
import type { OnDeadJob } from '../job/job-state.js';
import type { JobProgress } from '../job/progress.js';
import { groupBlocked } from './group-blocked.js';
import type { JobEvent, QueueEvents, QueueEventBus } from './events.js';

/** Of which lane it is, for those who count. */
interface TalliedRun extends JobEvent {
  laneId: number;
}

/** A run of a job, by a handler or by a remote worker. */
export interface ReportedRun extends TalliedRun {
  runMs: number;
  group?: string | undefined;
  maxAttempts: number;
  policy: { readonly onDeadJob: OnDeadJob };
}

/** The same at its start: `startedAt` by the clock of `performance`. */
interface StartedRun extends TalliedRun {
  startedAt: number;
  runAt: Date;
}

/** What happened to a run, as events. Nothing is made where nobody listens. */
export class RunReports {
  constructor(private readonly events: QueueEventBus) {}

  started(run: StartedRun): void {
    this.events.tally?.started(run.laneId, () => waitMsOf(run));
    this.events.emit('started', () => new Started(run));
  }

  polled(make: () => QueueEvents['polled']): void {
    this.events.emit('polled', make);
  }

  outputCut(run: JobEvent, problem: string): void {
    this.events.emit('outputCut', () => ({ ...eventOf(run), problem }));
  }

  progressed(run: JobEvent, progress: JobProgress): void {
    this.events.emit('progress', () => ({ ...eventOf(run), progress }));
  }

  leaseLost(run: TalliedRun): void {
    this.events.tally?.ended(run.laneId, 'lost', 0);
    this.events.emit('leaseLost', () => eventOf(run));
  }

  /** A job of an ordered group failed for good, and its queue does not let the followers go on. */
  jobDied(run: ReportedRun): void {
    const { id, queue, group, policy } = run;
    const { onDeadJob } = policy;
    if (onDeadJob !== 'skip')
      this.events.emit('warning', () => groupBlocked({ id, queue, group, onDeadJob }));
  }

  /** The outcome as it was acknowledged by the database. */
  settled(run: ReportedRun, outcome: Outcome): void {
    const { events } = this;
    events.tally?.ended(run.laneId, outcome.kind, run.runMs);
    switch (outcome.kind) {
      case 'succeeded':
        return events.emit('succeeded', () => succeeded(run, outcome));
      case 'retried':
        return events.emit('retried', () => ({
          ...eventOf(run),
          runMs: run.runMs,
          error: outcome.error,
          maxAttempts: run.maxAttempts,
          again: outcome.again,
        }));
      case 'rescheduled':
        return events.emit('rescheduled', () => ({ ...eventOf(run), runMs: run.runMs }));
      case 'released':
        return events.emit('released', () => ({ ...eventOf(run), reason: outcome.reason }));
      case 'cancelled':
        return events.emit('cancelled', () => ({ ...eventOf(run), reason: outcome.reason }));
      default:
        return events.emit('failed', () => ({
          ...eventOf(run),
          state: outcome.kind,
          runMs: run.runMs,
          error: outcome.error,
        }));
    }
  }
}

/** An output that is an object is reported as it was when the handler returned: read for whoever asks. */
function succeeded(
  run: ReportedRun,
  { output, stored }: Extract<Outcome, { kind: 'succeeded' }>,
): QueueEvents['succeeded'] {
  const event = { ...eventOf(run), runMs: run.runMs, output };
  const text = stored?.text;
  return typeof output !== 'object' || text === undefined
    ? event
    : Object.defineProperty(event, 'output', { get: (): unknown => JSON.parse(text) });
}

const eventOf = (run: JobEvent): JobEvent => ({
  id: run.id,
  queue: run.queue,
  name: run.name,
  attempt: run.attempt,
});

function waitMsOf(run: StartedRun): number {
  const startedAt = Date.now() - (performance.now() - run.startedAt);
  return Math.max(0, startedAt - run.runAt.getTime());
}

/** What is dear to know is worked out for whoever asks. */
class Started implements JobEvent {
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly attempt: number;
  /** Hidden, so that nobody who prints the event prints a payload. */
  readonly #run: StartedRun;

  constructor(run: StartedRun) {
    this.#run = run;
    ({ id: this.id, queue: this.queue, name: this.name, attempt: this.attempt } = run);
  }

  get waitMs(): number {
    return waitMsOf(this.#run);
  }
}
