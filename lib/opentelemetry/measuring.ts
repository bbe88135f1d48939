import type { Meter } from '@opentelemetry/api';
import type { QueueEventName, QueueEvents } from '../observability/events.js';
import type { TelemetrySource } from '../observability/telemetry.js';
import { Counting } from './counting.js';
import { Depth } from './depth.js';
import { errorTypeOf } from './error-type.js';
import { recordersOf, type Recorders } from './instruments.js';
import { ATTRIBUTE, FewNames } from './names.js';
import { observeSpool } from './spooled.js';
import { observeLimits } from './limits.js';
import { observeTroubles } from './troubles.js';
import { Tallies } from './tallies.js';
import type { Tally } from './tally.js';

/** Kinds of errors as labels; the classes that an application throws are few, what somebody sets as a name may not be. */
const MOST_ERRORS = 50;

interface MeasuringParts {
  meter: Meter;
  source: TelemetrySource;
  /** How long the depth of the queues is not asked for again; false: never. */
  depthMs: number | false;
}

type Listeners = { [Name in QueueEventName]?: (event: QueueEvents[Name]) => void };
type Ended =
  | QueueEvents['succeeded']
  | QueueEvents['retried']
  | QueueEvents['rescheduled']
  | QueueEvents['failed'];

/** Metrics out of events. Nothing here is asked of a job, and nothing is awaited. */
export class Measuring {
  private readonly recorders: Recorders;
  private readonly tallies: Tallies;
  private readonly errors = new FewNames(MOST_ERRORS);

  constructor(private readonly parts: MeasuringParts) {
    this.recorders = recordersOf(parts.meter);
    this.tallies = new Tallies(parts.source.instance);
  }

  start(): () => void {
    const { meter, source, depthMs } = this.parts;
    const stops = [
      this.listen(),
      new Counting(meter, source, this.tallies).observe(),
      observeSpool(meter, source, this.tallies),
    ];
    if (depthMs !== false)
      stops.push(
        new Depth(meter, source, this.tallies, depthMs).observe(),
        observeLimits({ meter, source, depthMs }, this.tallies),
        observeTroubles({ meter, source, depthMs }, this.tallies),
      );
    return () => stops.forEach((stop) => stop());
  }

  /** An enqueue call has ended, with this error if any. */
  enqueued(queue: string, ms: number, error?: unknown): void {
    this.operation(this.tallies.of(queue), { name: 'enqueue', ms, error });
  }

  private listen(): () => void {
    const { events } = this.parts.source;
    const stops = Object.entries(this.listeners()).map(([name, listener]) =>
      events.on(name as QueueEventName, listener as never),
    );
    return () => stops.forEach((stop) => stop());
  }

  private listeners(): Listeners {
    const { lapsedLeases, reaped, loopFailures, ticks, workflows } = this.recorders;
    const flow = (outcome: string): void =>
      workflows.add(1, { ...this.tallies.attributes, [ATTRIBUTE.outcome]: outcome });
    return {
      enqueued: ({ queue, outcome }) => this.tallies.of(queue).count('enqueued', outcome),
      started: (event) => this.started(event),
      succeeded: (event) => this.ended(event, 'succeeded'),
      retried: (event) => this.ended(event, 'retried'),
      rescheduled: (event) => this.ended(event, 'rescheduled'),
      failed: (event) => this.ended(event, event.state),
      released: ({ queue }) => this.tallies.of(queue).count('settled', 'released'),
      cancelled: ({ queue }) => this.tallies.of(queue).count('settled', 'cancelled'),
      leaseLost: ({ queue }) => this.tallies.of(queue).count('settled', 'lease_lost'),
      polled: (event) => this.polled(event),
      leaseLapsed: () => lapsedLeases.add(1, this.tallies.attributes),
      reaped: ({ jobs }) => reaped.add(jobs, this.tallies.attributes),
      ticked: ({ queue, outcome, times = 1 }) =>
        ticks.add(times, { ...this.tallies.of(queue).attributes, [ATTRIBUTE.outcome]: outcome }),
      workflowEnded: ({ state }) => flow(state),
      workflowStuck: () => flow('stuck'),
      loopFailed: ({ loop }) =>
        loopFailures.add(1, { ...this.tallies.attributes, [ATTRIBUTE.loop]: loop }),
    };
  }

  private started(event: QueueEvents['started']): void {
    const tally = this.tallies.of(event.queue);
    tally.started++;
    if (tally.waits.takes())
      this.recorders.timeInQueue.record(event.waitMs / 1_000, tally.attributes);
  }

  private ended(event: Ended, outcome: string): void {
    const tally = this.tallies.of(event.queue);
    tally.count('settled', outcome);
    // Its process died, and nobody knows. Others are through in less than half a millisecond.
    const isUnknown = outcome === 'poisoned' && event.runMs === 0;
    if (isUnknown || !tally.runs.takes()) return;
    const failure =
      'error' in event ? { [ATTRIBUTE.errorType]: this.errors.of(errorTypeOf(event.error)) } : {};
    const attributes = { ...tally.attributes, [ATTRIBUTE.operation]: 'process', ...failure };
    this.recorders.runTime.record(event.runMs / 1_000, attributes);
  }

  private polled({ wanted, claimed, settled, ms }: QueueEvents['polled']): void {
    const { attributes } = this.tallies;
    const { batchSize, polls } = this.recorders;
    if (wanted > 0) {
      const result = claimed === 0 ? 'empty' : claimed < wanted ? 'part' : 'full';
      polls.add(1, { ...attributes, [ATTRIBUTE.result]: result });
      batchSize.record(claimed, { ...attributes, [ATTRIBUTE.operation]: 'claim' });
    }
    if (settled > 0) batchSize.record(settled, { ...attributes, [ATTRIBUTE.operation]: 'settle' });
    this.operation({ attributes }, { name: 'poll', ms });
  }

  private operation(
    { attributes }: Pick<Tally, 'attributes'>,
    call: { name: string; ms: number; error?: unknown },
  ): void {
    const failure =
      call.error === undefined
        ? {}
        : { [ATTRIBUTE.errorType]: this.errors.of(errorTypeOf(call.error)) };
    this.recorders.operation.record(call.ms / 1_000, {
      ...attributes,
      [ATTRIBUTE.operation]: call.name,
      ...failure,
    });
  }
}
