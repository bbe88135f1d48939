import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { TelemetrySource } from '../observability/telemetry.js';
import { ATTRIBUTE } from './names.js';
import type { Tallies } from './tallies.js';

/** Reports at each scrape what the tallies have counted, and what this process works at just then. */
export class Counting {
  private readonly sent: Observable;
  private readonly consumed: Observable;
  private readonly settled: Observable;
  private readonly running: Observable;
  private readonly claimed: Observable;
  private readonly permits: Observable;

  constructor(
    private readonly meter: Meter,
    private readonly source: TelemetrySource,
    private readonly tallies: Tallies,
  ) {
    const counter = (name: string, description: string): Observable =>
      meter.createObservableCounter(name, { description, unit: '{message}' });
    const gauge = (name: string, unit: string, description: string): Observable =>
      meter.createObservableUpDownCounter(name, { description, unit });
    this.sent = counter(
      'messaging.client.sent.messages',
      'Jobs that were enqueued here, by outcome',
    );
    this.consumed = counter('messaging.client.consumed.messages', 'Runs that began here');
    this.settled = counter(
      'simple_queue.settled',
      'Runs by outcome, once the database has acknowledged it',
    );
    this.running = gauge('simple_queue.running', '{call}', 'Calls of handlers that run');
    this.claimed = gauge('simple_queue.claimed', '{message}', 'Claimed jobs that wait for a slot');
    this.permits = gauge(
      'simple_queue.permits',
      '{call}',
      'Calls of handlers that may run at once',
    );
  }

  observe(): () => void {
    const observables = [
      this.sent,
      this.consumed,
      this.settled,
      this.running,
      this.claimed,
      this.permits,
    ];
    const callback = (result: BatchObservableResult): void => this.tell(result);
    this.meter.addBatchObservableCallback(callback, observables);
    return () => this.meter.removeBatchObservableCallback(callback, observables);
  }

  private tell(result: BatchObservableResult): void {
    for (const { attributes, started, enqueued, settled } of this.tallies.all()) {
      const process = { ...attributes, [ATTRIBUTE.operation]: 'process' };
      const enqueue = { ...attributes, [ATTRIBUTE.operation]: 'enqueue' };
      if (started > 0) result.observe(this.consumed, started, process);
      for (const [outcome, jobs] of enqueued)
        result.observe(this.sent, jobs, { ...enqueue, [ATTRIBUTE.outcome]: outcome });
      for (const [outcome, jobs] of settled)
        result.observe(this.settled, jobs, { ...attributes, [ATTRIBUTE.outcome]: outcome });
    }
    for (const [{ attributes }, load] of this.tallies.folded(this.source.load())) {
      const { running, claimed, permits } = load;
      result.observe(this.running, running, attributes);
      result.observe(this.claimed, claimed, attributes);
      result.observe(this.permits, permits, attributes);
    }
  }
}
