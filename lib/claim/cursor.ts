import type { ClaimRange } from '../storage/claim/claim.repository.js';
import { dateOf, type ClaimedRow } from '../storage/claim/row-mapper.js';

/** How far behind its cursor a claim looks back, and how often. The last one looks everywhere. */
export const LOOK_BACKS = [
  { backMs: 0, everyMs: 0 },
  { backMs: 1_000, everyMs: 50 },
  { backMs: 30_000, everyMs: 1_000 },
  { backMs: 300_000, everyMs: 2_500 },
  { backMs: Infinity, everyMs: 15_000 },
] as const;

const EVERYWHERE = LOOK_BACKS.length - 1;
/** Longer than most settles take. */
const SLACK_MS = 250;
/** Whoever was no later may have been passed all the same, where the cursor has just moved. */
const LATE_MS = 50;
/** From here on a step also looks for priorities more urgent than any it has seen. */
const URGENT_STEP = 2;
/** Looking back may cost 5 % of the time between two looks, no more: dead entries can make it dear. */
const BACK_OFF = 20;
/** 20 % where a commit is known to have been late. */
const HURRY = 4;
/** What a claim usually costs is that of the last ten or so. */
const FADING = 0.9;
/** More priorities than this share a position: correct, only less sharp. */
const MAX_KEYS = 32;

const FIRST_PRIORITY = -32_768;
const LAST_PRIORITY = 32_767;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LONG_AGO = '-infinity';
/** Behind 'infinity', or a year of six digits, nothing else would be found. */
const YEAR_DIGITS = 4;
const DASH = '-'.charCodeAt(0);
const OLDEST_MS = Date.parse('1000-01-01T00:00:00Z');

interface Position {
  priority: number;
  runAt: string;
  id: string;
}

/** One claim's look at a lane: from where, and which step back that is. */
export interface Look {
  readonly step: number;
  readonly ranges: ClaimRange[];
  /** Looks are counted. */
  readonly number: number;
  /** Where the backlog behind the cursor went on when it left. */
  readonly from: Position | undefined;
  /** It looked for nothing less urgent. */
  readonly upto?: number;
}

/** How a claim came back. */
interface Taking {
  look: Look;
  short: boolean;
  ms: number;
}

/** What lies behind the cursor, as far as it was not looked at yet. */
interface Late {
  /** The last job taken there by any claim; from it the next one goes on. */
  at: Position;
  /** How far back less urgent priorities are still to be looked at. */
  step: number;
  /** Claims before this look know nothing of it, or nothing of what was found farther back. */
  since: number;
}

/**
 * Where a lane's next claim starts: behind the last key taken, one for each priority. Dead index entries in front of a queue are
 * what slows it down while a long transaction holds them back; a claim that starts behind them never sees them. What arrives
 * behind it (a transaction that committed long after its time) is found by looking back in steps: the further, the rarer.
 * A look back that comes back full has found a backlog: claims go on from there, each behind the last, until it is drained. The
 * cursor itself never moves back, so that dead entries are walked once for each look, however many jobs came late.
 */
export class Cursor {
  private keys: Position[] = [];
  private readonly lookedAt: number[] = LOOK_BACKS.map(() => -Infinity);
  /** What the last look back of each step cost beyond the jobs that it brought. */
  private readonly costMs: number[] = LOOK_BACKS.map(() => 0);
  /** What full claims that look nowhere else took, and brought. */
  private readonly usual = { ms: 0, jobs: 0 };
  private short = true;
  private urgent = false;
  /** The step that will find what a wake-up has announced; 0: none did. */
  private newsStep = 0;
  private newsAt = -Infinity;
  private movedAt = -Infinity;
  private slackMs = 0;
  private looks = 0;
  private late: Late | undefined;

  /** There is, or should be, more behind the cursor: the lane must not rest, whatever a claim in front has brought. */
  get isBehind(): boolean {
    return this.late !== undefined || this.newsStep > 0;
  }

  /**
   * A wake-up: there may be jobs of a priority never seen before, and jobs whose storing began `lateMs` before their commit. Those are not
   * waited for: the step that finds them is due, unless the cursor stood still since, and is behind none of them.
   */
  expectNews(lateMs?: number, now = performance.now()): void {
    this.urgent = true;
    if (lateMs === undefined) return;
    if (lateMs < LATE_MS && now - this.movedAt > lateMs + SLACK_MS) return;
    const step = LOOK_BACKS.findIndex(({ backMs }) => backMs > lateMs + SLACK_MS);
    this.newsStep = Math.max(this.newsStep, step);
  }

  /**
   * Turns of ordered groups are passed on in this lane: their jobs get the time at which a settle began, and of two settles side by side
   * the later one may commit first. Every claim looks that far back.
   */
  loosen(): void {
    this.slackMs = SLACK_MS;
  }

  /** The next look, at `now` (milliseconds of a monotonic clock): as far back as is due. */
  look(now: number): Look {
    const step = this.stepAt(now);
    this.lookedAt.fill(now, 0, step + 1);
    if (this.newsStep > 0 && step >= this.newsStep) {
      this.newsStep = 0;
      this.newsAt = now;
    }
    return { step, ranges: this.ranges(step), number: this.looks++, from: this.late?.at };
  }

  /** The same for what is as urgent as `upto`, or more: what else was announced stays so. */
  lookUpTo(upto: number, now: number): Look {
    const { newsStep } = this;
    this.urgent = true;
    const look = this.look(now);
    [this.urgent, this.newsStep] = [true, newsStep];
    const ranges = look.ranges
      .filter(({ priority }) => priority <= upto)
      .map((range) => ({ ...range, upto: Math.min(range.upto, upto) }));
    return { ...look, ranges, upto };
  }

  /** The claim did not come to this lane: nothing was looked at. */
  missed({ step }: Look): void {
    this.lookedAt.fill(-Infinity, 0, step + 1);
  }

  /** What a claim brought: moves the cursor forward, never back. `short`: fewer came than were wanted. */
  took(rows: ClaimedRow[], taking: Taking): void {
    for (const row of rows) this.moveTo(row);
    if (rows.length > 0) this.movedAt = performance.now();
    const { look, short } = taking;
    // It says nothing of what is less urgent, there or behind.
    if (look.upto !== undefined && short) this.note(rows.length, taking, undefined);
    else this.learn(rows, taking);
  }

  private learn(rows: ClaimedRow[], taking: Taking): void {
    const { look, short } = taking;
    // A claim that left before the backlog was found says nothing of it.
    const late = this.late && look.number >= this.late.since ? this.late : undefined;
    if (late || look.step > 0)
      this.late = this.goOn(short ? undefined : this.lastBehind(rows), look, late);
    this.note(rows.length, taking, this.late ? undefined : late);
    this.short = short && !this.late;
  }

  /** A look is not dearer for what it finds. The claim that ended a backlog, and walked to the front, belongs to the look that found it. */
  private note(jobs: number, { look, short, ms }: Taking, ended: Late | undefined): void {
    const { usual } = this;
    const cost = Math.max(0, ms - (usual.jobs > 0 ? (jobs * usual.ms) / usual.jobs : 0));
    if (look.step > 0) this.costMs[look.step] = cost;
    else if (ended) this.costMs[ended.step] = Math.max(this.costMs[ended.step]!, cost);
    else if (!short) {
      usual.ms = FADING * usual.ms + ms;
      usual.jobs = FADING * usual.jobs + jobs;
    }
  }

  /** The last of these jobs; undefined: the claim has come to the front of all priorities. */
  private lastBehind(rows: ClaimedRow[]): Position | undefined {
    let last: Position | undefined;
    for (const row of rows) if (isOrdinary(row) && (!last || isBefore(last, row))) last = row;
    return last && isBefore(last, this.keys.at(-1)!) ? positionOf(last) : undefined;
  }

  /**
   * Of claims side by side each moves the backlog forward, in whatever order they come back: none walks again what another has taken. Back
   * moves it only what was found before the place from which its look would have gone on.
   */
  private goOn(at: Position | undefined, look: Look, late: Late | undefined): Late | undefined {
    if (!at) return late ? undefined : this.late;
    const step = Math.max(look.step, late?.step ?? 0);
    if (look.step > 0 && !isAfter(at, late ? look.from : this.late?.at))
      return { at, step, since: this.looks };
    return late ? this.forward(late, at, step) : this.late;
  }

  private forward({ at, step, since }: Late, reached: Position, lookedBack: number): Late {
    return {
      at: isAfter(reached, at) ? reached : at,
      step: lookedBack,
      since: lookedBack > step ? this.looks : since,
    };
  }

  private stepAt(now: number): number {
    for (let step = EVERYWHERE; step > 0; step--)
      if (now - this.lookedAt[step]! >= this.periodOf(step) || this.isNews(step, now)) return step;
    return 0;
  }

  private isNews(step: number, now: number): boolean {
    return step === this.newsStep && now - this.newsAt >= this.costMs[step]! * HURRY;
  }

  /** An empty range is looked at whole, as often as its cost allows; a busy lane in its step's time. */
  private periodOf(step: number): number {
    const cost = this.costMs[step]! * BACK_OFF;
    return step === EVERYWHERE && this.short ? cost : Math.max(LOOK_BACKS[step]!.everyMs, cost);
  }

  private ranges(step: number): ClaimRange[] {
    const [first] = this.keys;
    if (step === EVERYWHERE || !first) return [everywhere()];
    const ranges = this.rangesOf(step);
    const looksAbove = (this.urgent || step >= URGENT_STEP) && hasAbove(first);
    this.urgent = false;
    return looksAbove ? [above(first), ...ranges] : ranges;
  }

  private rangesOf(step: number): ClaimRange[] {
    if (this.keys.length === 0) return [everywhere()];
    const backMs = Math.max(LOOK_BACKS[step]!.backMs, this.slackMs);
    return this.keys.map((key, index) => this.behind(key, index, backMs));
  }

  /** Up to just before the next known priority: priorities between two known ones are never missed. */
  private behind(key: Position, index: number, backMs: number): ClaimRange {
    const upto = (this.keys[index + 1]?.priority ?? LAST_PRIORITY + 1) - 1;
    if (!this.late || upto < this.late.at.priority) return { ...earlier(key, backMs), upto };
    const { at, step } = this.late;
    if (key.priority > at.priority)
      return { ...earlier(key, Math.max(backMs, LOOK_BACKS[step]!.backMs)), upto };
    const start = earlier(key, backMs);
    return { ...(isBefore(at, start) ? at : start), upto };
  }

  private moveTo(row: ClaimedRow): void {
    if (!isOrdinary(row)) return;
    const index = this.keys.findIndex((key) => key.priority >= row.priority);
    const known = this.keys[index];
    if (known?.priority !== row.priority)
      this.insert(positionOf(row), index < 0 ? this.keys.length : index);
    else if (isBefore(known, row)) Object.assign(known, positionOf(row));
  }

  private insert(key: Position, index: number): void {
    this.keys.splice(index, 0, key);
    // Without a key of its own a priority is walked from its start, as part of the range before it.
    if (this.keys.length > MAX_KEYS) this.keys.splice(MAX_KEYS - 1, 1);
  }
}

const positionOf = ({ priority, runAt, id }: Position): Position => ({ priority, runAt, id });

/** Times are UTC text of one format, so that text order is time order. */
function isBefore(a: Position, b: Position): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  return a.runAt === b.runAt ? a.id < b.id : a.runAt < b.runAt;
}

const isAfter = (a: Position, b: Position | undefined): boolean =>
  b !== undefined && isBefore(b, a);
const isOrdinary = ({ runAt }: Position): boolean => runAt.charCodeAt(YEAR_DIGITS) === DASH;

/** In the format of PostgreSQL. What no `Date` can hold is the end of a range that looks everywhere, rather than the end of the lane. */
function earlier({ priority, runAt, id }: Position, backMs: number): Position {
  if (backMs === 0) return { priority, runAt, id };
  const time = dateOf(runAt).getTime() - backMs;
  const text =
    time > OLDEST_MS
      ? new Date(time).toISOString().replace('T', ' ').replace('Z', '+00')
      : LONG_AGO;
  return { priority, runAt: text, id: FIRST_ID };
}

const everywhere = (): ClaimRange => ({
  priority: FIRST_PRIORITY,
  runAt: LONG_AGO,
  id: FIRST_ID,
  upto: LAST_PRIORITY,
});
const hasAbove = ({ priority }: Position): boolean => priority > FIRST_PRIORITY;
const above = (first: Position): ClaimRange => ({ ...everywhere(), upto: first.priority - 1 });
