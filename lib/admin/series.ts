import { checkQueueName } from '../job/names.js';
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  inMs,
  type Duration,
  type InMs,
} from '../job/values/duration.js';
import { TALLIED, type Tallied } from '../observability/run-tally.js';
import { duration } from '../options/handler-rules.js';
import { setAges } from '../runtime/ago.js';
import { passes, shape, whole, type Rule } from '../runtime/rules.js';
import { timeOf } from '../storage/connection/database-time.js';
import type { Storage } from '../storage/storage.js';
import type { TallyRow } from '../storage/tally/tally.repository.js';
import { moment, refuse } from './checks.js';

/** Milliseconds that half, 95 and 99 of 100 stayed below. Times are counted by powers of two, so each may be off by as much as a third. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** What workers counted in some time: runs that began, and how runs ended. `lost`: the worker held the job no longer when it returned. */
export interface RunTotals extends Record<Tallied, number> {
  /** From the time a job was due to its start; missing where nothing began. */
  wait?: Percentiles;
  /** How long handlers ran; missing where nothing ended. */
  run?: Percentiles;
}

/** One step of a series, from `at` on. */
export interface SeriesPoint extends RunTotals {
  at: Date;
}

/** What workers counted, step by step. */
export interface Series {
  stepMs: number;
  points: SeriesPoint[];
}

/** What one queue worked. */
export interface BusyQueue extends RunTotals {
  queue: string;
}

/** Of which time; default: the last hour. */
export interface SeriesSpan {
  from?: Date;
  to?: Date;
}

/** Which series. */
export interface SeriesOptions extends SeriesSpan {
  /** Of one queue; default: all. */
  queue?: string;
  /** At least a minute; default: what makes 60 points or fewer. What is older than two days is known hour by hour. */
  stepMs?: Duration;
}

/** Which queues. */
export interface BusiestOptions extends SeriesSpan {
  /** 1 to 1,000, default 20. */
  limit?: number;
}

const STEPS = [1, 5, 15, 60, 180, 360, 720, 1_440].map((minutes) => minutes * MINUTE_MS);
const USUAL_POINTS = 60;
const MOST_POINTS = 2_000;
const MOST_QUEUES = 1_000;

const SPAN = { from: moment, to: moment } satisfies Record<keyof SeriesSpan, Rule>;
const SERIES = shape({
  ...SPAN,
  queue: passes(checkQueueName),
  stepMs: duration(MINUTE_MS, 366 * DAY_MS),
} satisfies Record<keyof SeriesOptions, Rule>);
const BUSIEST = shape({ ...SPAN, limit: whole(1, MOST_QUEUES) } satisfies Record<
  keyof BusiestOptions,
  Rule
>);

/** Looks at what workers have counted. */
export class SeriesLook {
  constructor(private readonly storage: Storage) {}

  async series(said: SeriesOptions, unknown: (queue: string) => Promise<Error>): Promise<Series> {
    const options = inMs(said);
    refuse('series', SERIES(options, 'options'));
    const { queue } = options;
    const span = await this.spanOf('series', options);
    const stepMs = stepOf(span, options);
    const lanes = queue === undefined ? undefined : await this.storage.lanes.numbersOf({ queue });
    if (lanes?.length === 0) throw await unknown(queue!);
    const rows = await this.storage.tallies.series(span, stepMs, lanes);
    const known = new Map(rows.map((row) => [row.at, row]));
    return { stepMs, points: timesOf(span, stepMs).map((at) => pointOf(at, known.get(at))) };
  }

  async busiest(options: BusiestOptions): Promise<BusyQueue[]> {
    refuse('busiest', BUSIEST(options, 'options'));
    const span = await this.spanOf('busiest', options);
    const rows = await this.storage.tallies.busiest(span, options.limit ?? 20);
    return rows.map((row) => ({ queue: row.queue, ...totalsOf(row) }));
  }

  private async spanOf(command: string, { from, to }: SeriesSpan): Promise<Required<SeriesSpan>> {
    await setAges({ from, to }, () => timeOf(this.storage.database.callers.run));
    const end = to ?? (await this.storage.tallies.now());
    const span = { from: from ?? new Date(end.getTime() - HOUR_MS), to: end };
    refuse(command, span.from < end ? [] : ['options.from must be before options.to']);
    return span;
  }
}

function stepOf({ from, to }: Required<SeriesSpan>, { stepMs }: InMs<SeriesOptions>): number {
  const ms = to.getTime() - from.getTime();
  const step = stepMs ?? STEPS.find((each) => ms / each <= USUAL_POINTS) ?? Math.ceil(ms / USUAL_POINTS / DAY_MS) * DAY_MS; // prettier-ignore
  const problem = `options.stepMs: ${Math.ceil(ms / step)} points are too many. At most ${MOST_POINTS} fit in an answer: give a longer step, or a shorter time`;
  refuse('series', ms / step > MOST_POINTS ? [problem] : []);
  return step;
}

function timesOf({ from, to }: Required<SeriesSpan>, stepMs: number): number[] {
  const first = Math.floor(from.getTime() / stepMs);
  return Array.from({ length: Math.ceil(to.getTime() / stepMs) - first }, (_, n) => (first + n) * stepMs); // prettier-ignore
}

const NOTHING = Object.fromEntries(TALLIED.map((what) => [what, 0])) as Record<Tallied, number>;

const pointOf = (at: number, row: TallyRow | undefined): SeriesPoint => ({
  at: new Date(at),
  ...(row ? totalsOf(row) : NOTHING),
});

function totalsOf(row: TallyRow): RunTotals {
  const counts = Object.fromEntries(TALLIED.map((what) => [what, row[what]]));
  const [wait, run] = [percentilesOf(row.wait), percentilesOf(row.run)];
  return { ...(counts as Record<Tallied, number>), ...(wait && { wait }), ...(run && { run }) };
}

/** Within a bucket as if its times were spread evenly. */
function percentilesOf(buckets: (number | null)[]): Percentiles | undefined {
  const counts = buckets.map((jobs) => jobs ?? 0);
  const all = counts.reduce((sum, jobs) => sum + jobs, 0);
  return all === 0
    ? undefined
    : { p50: at(counts, all * 0.5), p95: at(counts, all * 0.95), p99: at(counts, all * 0.99) };
}

function at(counts: number[], rank: number): number {
  let before = 0;
  const bucket = counts.findIndex((jobs) => (before += jobs) >= rank);
  const [low, high] = [bucket === 0 ? 0 : 2 ** (bucket - 1), 2 ** bucket];
  const share = (rank - before + counts[bucket]!) / counts[bucket]!;
  return Math.round((low + share * (high - low)) * 10) / 10;
}
