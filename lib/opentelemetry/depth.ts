import {
  diag,
  type BatchObservableCallback,
  type BatchObservableResult,
  type Meter,
  type Observable,
} from '@opentelemetry/api';
import type { QueueDepth, TelemetrySource } from '../observability/telemetry.js';
import { RecentAnswer } from '../runtime/recent-answer.js';
import { LATE } from '../runtime/within.js';
import { ATTRIBUTE } from './names.js';
import type { Tallies } from './tallies.js';
import type { Tally } from './tally.js';

/** A scrape does not wait longer for the database; the next one gets the answer. */
export const PATIENCE_MS = 2_000;

/** Depth and age of all queues, asked of the database when somebody scrapes, at most once in `freshMs`. */
export class Depth {
  private readonly recent: RecentAnswer<QueueDepth[]>;
  private readonly depth: Observable;
  private readonly age: Observable;
  private readonly blocked: Observable;

  constructor(
    private readonly meter: Meter,
    source: TelemetrySource,
    private readonly tallies: Tallies,
    freshMs: number,
  ) {
    this.recent = new RecentAnswer(() => source.depths(), freshMs);
    const [jobs, seconds] = ['{message}', 's'];
    this.depth = meter.createObservableGauge('simple_queue.depth', {
      unit: jobs,
      description: 'Jobs by state; counted up to 10,000',
    });
    const description =
      'Waiting time of the job that has been ready for longest; 0 if there is none';
    this.age = meter.createObservableGauge('simple_queue.oldest_ready.age', {
      unit: seconds,
      description,
    });
    this.blocked = meter.createObservableGauge('simple_queue.blocked_groups', {
      unit: '{group}',
      description:
        'Ordered groups that a failed job blocks until somebody releases them; counted up to 10,000',
    });
  }

  observe(): () => void {
    const observables = [this.depth, this.age, this.blocked];
    const callback: BatchObservableCallback = (result) => this.tell(result);
    this.meter.addBatchObservableCallback(callback, observables);
    return () => this.meter.removeBatchObservableCallback(callback, observables);
  }

  private async tell(result: BatchObservableResult): Promise<void> {
    try {
      const depths = await this.recent.get(PATIENCE_MS);
      if (depths !== LATE)
        for (const depth of this.tallies.folded(depths, 'oldestReadyMs'))
          this.tellQueue(result, ...depth);
    } catch (error) {
      diag.warn('nestjs-simple-queue: the depth of the queues could not be read', error);
    }
  }

  private tellQueue(
    result: BatchObservableResult,
    { attributes }: Tally,
    { queue: _, oldestReadyMs = 0, blockedGroups, ...states }: QueueDepth,
  ): void {
    for (const [state, jobs] of Object.entries({
      ...states,
      deadLetters: undefined,
      dead_letter: states.deadLetters,
    }))
      if (jobs !== undefined)
        result.observe(this.depth, jobs, { ...attributes, [ATTRIBUTE.state]: state });
    result.observe(this.blocked, blockedGroups, attributes);
    result.observe(this.age, oldestReadyMs / 1_000, attributes);
  }
}
