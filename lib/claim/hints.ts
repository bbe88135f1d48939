import type { ClaimRange } from '../storage/claim/claim.repository.js';
import { dateOf, type ClaimedRow } from '../storage/claim/row-mapper.js';

/** How far behind its hints a claim looks, and how often. The last one looks everywhere. */
export const LADDER = [
  { backMs: 0, everyMs: 0 },
  { backMs: 1_000, everyMs: 50 },
  { backMs: 30_000, everyMs: 1_000 },
  { backMs: 300_000, everyMs: 2_500 },
  { backMs: Infinity, everyMs: 15_000 },
] as const;

const EVERYWHERE = LADDER.length - 1;
/** Longer than most settles take. */
const SLACK_MS = 250;
/** From here on a rung also looks for priorities more urgent than any it has seen. */
const URGENT_RUNG = 2;
/** Looking back may cost 5 % of the time between two looks, no more: dead entries can make it dear. */
const BACK_OFF = 20;
/** 20 % where a commit is known to have been late. */
const HURRY = 4;
/** Jobs are older than is told by the time that it took to store them. */
const STORING = 2;
/** More priorities than this share hints: correct, only less sharp. */
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

/** One claim's look at a lane: from where, and which rung of the ladder that is. */
export interface Look {
  readonly rung: number;
  readonly ranges: ClaimRange[];
  /** Looks are counted. */
  readonly number: number;
  /** Where the backlog behind the hints went on when it left. */
  readonly from: Position | undefined;
}

/** What lies behind the hints, as far as it was not looked at yet. */
interface Late {
  /** The last job taken there by any claim; from it the next one goes on. */
  at: Position;
  /** How far back less urgent priorities are still to be looked at. */
  rung: number;
  /** Claims before this look know nothing of it, or nothing of what was found farther back. */
  since: number;
}

/**
 * Where a lane's next claim starts: behind the last key taken, one for each priority. Dead index entries in front of a queue are
 * what slows it down while a long transaction holds them back; a claim that starts behind them never sees them. What arrives
 * behind a hint (a transaction that committed long after its time) is found by looking back on a ladder: the further, the rarer.
 * A look back that comes back full has found a backlog: claims go on from there, each behind the last, until it is drained. Hints
 * themselves never move back, so that dead entries are walked once for each look, however many jobs came late.
 */
export class Hints {
  private keys: Position[] = [];
  private readonly lookedAt: number[] = LADDER.map(() => -Infinity);
  private readonly costMs: number[] = LADDER.map(() => 0);
  private short = true;
  private urgent = false;
  /** The rung that will find what a wake-up has told of; 0: none did. */
  private newsRung = 0;
  private slackMs = 0;
  private looks = 0;
  private late: Late | undefined;

  /** There is, or should be, more behind the hints: the lane must not rest, whatever a claim in front has brought. */
  get isBehind(): boolean {
    return this.late !== undefined || this.newsRung > 0;
  }

  /**
   * A wake-up: there may be jobs of a priority never seen before, and jobs that were stored `lateMs` before their commit. Those are not
   * waited for: the rung that finds them is due.
   */
  expectNews(lateMs = 0): void {
    this.urgent = true;
    const rung = LADDER.findIndex(({ backMs }) => backMs > STORING * lateMs);
    if (rung >= URGENT_RUNG) this.newsRung = Math.max(this.newsRung, rung);
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
    const rung = this.rungAt(now);
    this.lookedAt.fill(now, 0, rung + 1);
    if (rung >= this.newsRung) this.newsRung = 0;
    return { rung, ranges: this.ranges(rung), number: this.looks++, from: this.late?.at };
  }

  /** The claim did not come to this lane: nothing was looked at. */
  missed({ rung }: Look): void {
    this.lookedAt.fill(-Infinity, 0, rung + 1);
  }

  /** What a claim answered: moves the hints forward, never back. `short`: fewer came than were wanted. */
  took(rows: ClaimedRow[], { look, short, ms }: { look: Look; short: boolean; ms: number }): void {
    for (const row of rows) this.moveTo(row);
    // A claim that left before the backlog was found says nothing of it.
    const late = this.late && look.number >= this.late.since ? this.late : undefined;
    this.note(late?.rung ?? 0, look, ms);
    if (late || look.rung > 0)
      this.late = this.goOn(short ? undefined : this.lastBehind(rows), look, late);
    this.short = short && !this.late;
  }

  /** The claims that go on in a backlog belong to the look that found it. */
  private note(rung: number, look: Look, ms: number): void {
    if (look.rung > 0) this.costMs[look.rung] = ms;
    else if (rung > 0) this.costMs[rung] = Math.max(this.costMs[rung]!, ms);
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
    const rung = Math.max(look.rung, late?.rung ?? 0);
    if (look.rung > 0 && !isAfter(at, late ? look.from : this.late?.at))
      return { at, rung, since: this.looks };
    return late ? this.forward(late, at, rung) : this.late;
  }

  private forward({ at, rung, since }: Late, reached: Position, lookedBack: number): Late {
    return {
      at: isAfter(reached, at) ? reached : at,
      rung: lookedBack,
      since: lookedBack > rung ? this.looks : since,
    };
  }

  private rungAt(now: number): number {
    for (let rung = EVERYWHERE; rung > 0; rung--)
      if (now - this.lookedAt[rung]! >= this.periodOf(rung)) return rung;
    return 0;
  }

  /** An empty range is looked at whole, as often as its cost allows; a busy lane in its rung's time. */
  private periodOf(rung: number): number {
    if (rung === this.newsRung) return this.costMs[rung]! * HURRY;
    const cost = this.costMs[rung]! * BACK_OFF;
    return rung === EVERYWHERE && this.short ? cost : Math.max(LADDER[rung]!.everyMs, cost);
  }

  private ranges(rung: number): ClaimRange[] {
    if (rung === EVERYWHERE || this.keys.length === 0) return [everywhere()];
    const backMs = Math.max(LADDER[rung]!.backMs, this.slackMs);
    const ranges = this.keys.map((key, index) => this.behind(key, index, backMs));
    const looksAbove =
      (this.urgent || rung >= URGENT_RUNG) && this.keys[0]!.priority > FIRST_PRIORITY;
    this.urgent = false;
    return looksAbove ? [above(this.keys[0]!), ...ranges] : ranges;
  }

  /** Up to just before the next known priority: priorities between two known ones are never missed. */
  private behind(key: Position, index: number, backMs: number): ClaimRange {
    const upto = (this.keys[index + 1]?.priority ?? LAST_PRIORITY + 1) - 1;
    if (!this.late || upto < this.late.at.priority) return { ...earlier(key, backMs), upto };
    const { at, rung } = this.late;
    if (key.priority > at.priority)
      return { ...earlier(key, Math.max(backMs, LADDER[rung]!.backMs)), upto };
    const start = earlier(key, backMs);
    return { ...(isBefore(at, start) ? at : start), upto };
  }

  private moveTo(row: ClaimedRow): void {
    if (!isOrdinary(row)) return;
    const index = this.keys.findIndex((key) => key.priority >= row.priority);
    const known = this.keys[index];
    if (known?.priority !== row.priority)
      this.learn(positionOf(row), index < 0 ? this.keys.length : index);
    else if (isBefore(known, row)) Object.assign(known, positionOf(row));
  }

  private learn(key: Position, index: number): void {
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
const above = (first: Position): ClaimRange => ({ ...everywhere(), upto: first.priority - 1 });
