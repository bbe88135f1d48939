import type { Outcome } from '../job/outcome.js';
import { Stride } from '../runtime/stride.js';

/** What is counted of a lane: runs that began, and how runs ended. */
export const TALLIED = [
  'started',
  'succeeded',
  'retried',
  'rescheduled',
  'released',
  'cancelled',
  'failed',
  'lost',
] as const;

export type Tallied = (typeof TALLIED)[number];

/** One lane since the last row. `wait` and `run` count by the power of two that a time in milliseconds stays below: [0, 1), [1, 2), [2, 4), ... */
export type LaneTally = Record<Tallied, number> & { lane: number; wait: number[]; run: number[] };

/** Lanes of one minute; what more there are is counted together, as the lane that is none. */
const MOST_LANES = 1_000;
const OTHER_LANES = 0;

const MAX_MS = 2 ** 31 - 1;
export const BUCKETS = 32;
/** Whatever ends in the dead letter queue has failed. `lost`: this process held the job no longer. */
const COLUMNS = {
  succeeded: 'succeeded',
  retried: 'retried',
  rescheduled: 'rescheduled',
  released: 'released',
  cancelled: 'cancelled',
  failed: 'failed',
  critical: 'failed',
  unprocessable: 'failed',
  poisoned: 'failed',
  expired: 'failed',
  lost: 'lost',
} satisfies Record<Outcome['kind'] | 'lost', Tallied>;

const NONE = Object.fromEntries(TALLIED.map((what) => [what, 0])) as Record<Tallied, number>;

const SOON = Promise.resolve();

const bucketOf = (ms: number): number => (ms < 1 ? 0 : 32 - Math.clz32(Math.min(ms, MAX_MS)));

function add(buckets: number[], bucket: number, jobs: number): void {
  while (buckets.length <= bucket) buckets.push(0);
  buckets[bucket]! += jobs;
}

/**
 * Counts the runs of this process by lane, in memory: numbers in an object at hand, since a drain has some microseconds a job. How long jobs
 * waited is looked at for a sample of those beyond 1,000 a second.
 */
export class RunTally {
  private lanes = new Map<number, LaneTally>();
  private last: LaneTally | undefined;
  private since = performance.now();
  private readonly waits = new Stride();

  started(lane: number, waitMs: () => number): void {
    const tally = this.of(lane);
    tally.started++;
    if (!this.waits.takes()) return;
    const { weight } = this.waits;
    // Reading times is dear: behind the first line of the handler, which is called next.
    void SOON.then(() => add(this.of(lane).wait, bucketOf(waitMs()), weight));
  }

  /** Without `runMs`: nobody knows how long it took. */
  ended(lane: number, outcome: keyof typeof COLUMNS, runMs?: number): void {
    const tally = this.of(lane);
    tally[COLUMNS[outcome]]++;
    if (runMs !== undefined && outcome !== 'released' && outcome !== 'lost')
      add(tally.run, bucketOf(runMs), 1);
  }

  /** Since the last time, over `ms`. */
  take(): { lanes: LaneTally[]; ms: number } {
    const taken = { lanes: [...this.lanes.values()], ms: performance.now() - this.since };
    this.lanes = new Map();
    this.last = undefined;
    this.since = performance.now();
    return taken;
  }

  /** It could not be written: the next row has it, too. */
  putBack({ lanes, ms }: { lanes: LaneTally[]; ms: number }): void {
    this.since -= ms;
    for (const lane of lanes) {
      const tally = this.of(lane.lane);
      for (const what of TALLIED) tally[what] += lane[what];
      lane.wait.forEach((jobs, bucket) => add(tally.wait, bucket, jobs));
      lane.run.forEach((jobs, bucket) => add(tally.run, bucket, jobs));
    }
  }

  /** Jobs come in runs of one lane, so the last one is most often meant again. */
  private of(lane: number): LaneTally {
    if (this.last?.lane === lane) return this.last;
    const known = this.lanes.get(lane);
    if (known) return (this.last = known);
    if (this.lanes.size >= MOST_LANES && lane !== OTHER_LANES) return this.of(OTHER_LANES);
    const tally = { lane, ...NONE, wait: [], run: [] };
    this.lanes.set(lane, tally);
    return (this.last = tally);
  }
}
