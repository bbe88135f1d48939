import type { Attributes } from '@opentelemetry/api';
import { Stride } from '../runtime/stride.js';

/** What is counted of one queue between two scrapes: plain numbers, since a counter of the SDK costs a microsecond a job. */
export class Tally {
  started = 0;
  readonly enqueued = new Map<string, number>();
  readonly settled = new Map<string, number>();
  readonly waits = new Stride();
  readonly runs = new Stride();

  constructor(readonly attributes: Attributes) {}

  count(what: 'enqueued' | 'settled', outcome: string): void {
    const counts = this[what];
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
}
