import { SpanKind, type Context, type Tracer } from '@opentelemetry/api';
import type { JobEvent } from '../observability/events.js';
import type { TelemetrySource } from '../observability/telemetry.js';
import { ATTRIBUTE, operation } from './names.js';

/** What became of a run, by the event that tells of it. */
const SETTLED = [
  'succeeded',
  'retried',
  'rescheduled',
  'released',
  'failed',
  'cancelled',
  'leaseLost',
] as const;

/** Runs whose outcome was not heard of; more are forgotten, the oldest first. */
const MOST = 20_000;

/** A run whose settle is awaited; `since` its handler has ended, it waits for the database. */
interface Open {
  attempt: number;
  within: Context;
  since?: number;
}

/** A span from the end of a run to the moment in which the database has acknowledged what became of it. */
export class SettleSpans {
  /** By job: a run that timed out may go on beside the next one. */
  private readonly open = new Map<string, Open[]>();

  constructor(private readonly tracer: Tracer) {}

  listen(events: TelemetrySource['events']): () => void {
    const stops = SETTLED.map((name) =>
      events.on(name, (event: JobEvent) => this.settled(name, event)),
    );
    return () => stops.forEach((stop) => stop());
  }

  /** A run is traced that will be settled. */
  expect(job: JobEvent, within: Context): Open {
    if (this.open.size >= MOST) this.open.delete(this.open.keys().next().value!);
    const open: Open = { attempt: job.attempt, within };
    const others = this.open.get(job.id);
    if (others) others.push(open);
    else this.open.set(job.id, [open]);
    return open;
  }

  /** What was settled while its handler goes on (a timeout) took no time after it. */
  private settled(outcome: string, event: JobEvent): void {
    const { id, queue } = event;
    const open = this.taken(id, event.attempt);
    if (!open) return;
    const attributes = {
      ...operation('settle', 'settle', queue),
      [ATTRIBUTE.jobId]: id,
      [ATTRIBUTE.outcome]: outcome,
    };
    const options = { kind: SpanKind.CLIENT, attributes, startTime: open.since ?? Date.now() };
    this.tracer.startSpan(`settle ${queue}`, options, open.within).end();
  }

  private taken(id: string, attempt: number): Open | undefined {
    const runs = this.open.get(id);
    const index = runs?.findIndex((open) => open.attempt === attempt) ?? -1;
    if (!runs || index < 0) return undefined;
    if (runs.length === 1) this.open.delete(id);
    return runs.splice(index, 1)[0];
  }
}
