import type { Failure } from '../job/failure.js';
import type { JobState } from '../job/job-state.js';
import { QueueError } from '../job/queue.errors.js';
import type {
  JobEvent,
  QueueEventName,
  QueueEvents,
  QueueEventBus,
} from '../observability/events.js';
import type { JobRun } from '../run/job-run.js';

/** What became of one run. */
export interface RanJob<Output = unknown> extends JobEvent {
  /**
   * `retried`: failed, and another attempt follows. `failed`: failed for good, `state` says how. `released`: given back, the attempt not spent.
   * `leaseLost`: the job was taken away meanwhile, and the answer changed nothing. `crashed`: by `crashBeforeSettle`.
   */
  outcome:
    | 'succeeded'
    | 'retried'
    | 'rescheduled'
    | 'released'
    | 'failed'
    | 'cancelled'
    | 'leaseLost'
    | 'crashed';
  state?: JobState;
  /** What the handler returned; of a template, as its schema reads it. */
  output?: Output;
  error?: Failure;
  runMs?: number;
}

const OUTCOMES = [
  'succeeded',
  'retried',
  'rescheduled',
  'released',
  'failed',
  'cancelled',
  'leaseLost',
] as const satisfies readonly (QueueEventName & RanJob['outcome'])[];

type Told = JobEvent &
  Partial<Omit<QueueEvents['succeeded'] & QueueEvents['failed'], keyof JobEvent>>;

/** Hears what the database has acknowledged of one run. */
export class RunWatch {
  private heard: RanJob | undefined;
  private readonly stops: (() => void)[];

  constructor(
    events: QueueEventBus,
    private readonly run: JobRun,
  ) {
    this.stops = OUTCOMES.map((outcome) =>
      events.on(outcome, (event: Told) => this.hear(outcome, event)),
    );
  }

  ended(): RanJob {
    if (this.heard) return this.heard;
    throw new QueueError(
      'RUN_TIMEOUT',
      `What became of job ${this.run.id} of queue "${this.run.queue}" could not be stored. Does the test hold its row locked in an open transaction?`,
    );
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  private hear(outcome: (typeof OUTCOMES)[number], told: Told): void {
    if (told.id !== this.run.id) return;
    const { id, queue, name, attempt, state, output, error, runMs } = told;
    const known = Object.entries({ state, output, error, runMs }).filter(
      ([, value]) => value !== undefined,
    );
    this.heard = { id, queue, name, attempt, outcome, ...Object.fromEntries(known) };
  }
}
