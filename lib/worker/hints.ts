import type { ClaimRange } from '../storage/job.repository.js';
import { dateOf, type ClaimedRow } from '../storage/row-mapper.js';

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

interface Key {
  priority: number;
  runAt: string;
  id: string;
}

/**
 * Where a lane's next claim starts: behind the last key taken, one for each priority. Dead index entries in front of a queue are
 * what slows it down while a long transaction holds them back; a claim that starts behind them never sees them. What arrives
 * behind a hint (a transaction that committed long after its time) is found by looking back on a ladder: the further, the rarer.
 */
export class Hints {
  private keys: Key[] = [];
  private readonly lookedAt: number[] = LADDER.map(() => -Infinity);
  private readonly costMs: number[] = LADDER.map(() => 0);
  private short = true;
  private urgent = false;
  private slackMs = 0;

  /** A wake-up: there may be jobs of a priority never seen before. */
  expectNews(): void {
    this.urgent = true;
  }

  /**
   * Turns of ordered groups are passed on in this lane: their jobs get the time at which a settle began, and of two settles side by side
   * the later one may commit first. Every claim looks that far back.
   */
  loosen(): void {
    this.slackMs = SLACK_MS;
  }

  /** Which rung is due at `now` (milliseconds of a monotonic clock): the furthest. */
  rungAt(now: number): number {
    for (let rung = EVERYWHERE; rung > 0; rung--) if (now - this.lookedAt[rung]! >= this.periodOf(rung)) return rung;
    return 0;
  }

  ranges(rung: number, now: number): ClaimRange[] {
    this.lookedAt.fill(now, 0, rung + 1);
    if (rung === EVERYWHERE || this.keys.length === 0) return [everywhere()];
    const ranges = this.keys.map((key, index) => this.behind(key, index, Math.max(LADDER[rung]!.backMs, this.slackMs)));
    const looksAbove = (this.urgent || rung >= URGENT_RUNG) && this.keys[0]!.priority > FIRST_PRIORITY;
    this.urgent = false;
    return looksAbove ? [above(this.keys[0]!), ...ranges] : ranges;
  }

  /** The claim did not come to this lane: nothing was looked at. */
  missed(rung: number): void {
    this.lookedAt.fill(-Infinity, 0, rung + 1);
  }

  /** What a claim answered: moves the hints forward, never back. `short`: fewer came than were wanted. */
  took(rows: ClaimedRow[], answer: { rung: number; short: boolean; ms: number }): void {
    for (const row of rows) if (row.runAt.charCodeAt(YEAR_DIGITS) === DASH) this.moveTo(row);
    this.short = answer.short;
    if (answer.rung > 0) this.costMs[answer.rung] = answer.ms;
  }

  /** An empty range is looked at whole, as often as its cost allows; a busy lane in its rung's time. */
  private periodOf(rung: number): number {
    const cost = this.costMs[rung]! * BACK_OFF;
    return rung === EVERYWHERE && this.short ? cost : Math.max(LADDER[rung]!.everyMs, cost);
  }

  /** Up to just before the next known priority: priorities between two known ones are never missed. */
  private behind(key: Key, index: number, backMs: number): ClaimRange {
    const upto = (this.keys[index + 1]?.priority ?? LAST_PRIORITY + 1) - 1;
    if (backMs === 0) return { ...key, upto };
    const at = dateOf(key.runAt).getTime() - backMs;
    // What no Date can hold is the end of a range that looks everywhere, rather than the end of the lane.
    const runAt = at > OLDEST_MS ? new Date(at).toISOString() : LONG_AGO;
    return { priority: key.priority, runAt, id: FIRST_ID, upto };
  }

  private moveTo(row: ClaimedRow): void {
    const index = this.keys.findIndex((key) => key.priority >= row.priority);
    const known = this.keys[index];
    if (known?.priority === row.priority) advance(known, row);
    else this.learn({ priority: row.priority, runAt: row.runAt, id: row.id }, index < 0 ? this.keys.length : index);
  }

  private learn(key: Key, index: number): void {
    this.keys.splice(index, 0, key);
    // Without a key of its own a priority is walked from its start, as part of the range before it.
    if (this.keys.length > MAX_KEYS) this.keys.splice(MAX_KEYS - 1, 1);
  }
}

/** Times are UTC text of one format, so that text order is time order. */
function advance(known: Key, row: ClaimedRow): void {
  if (row.runAt < known.runAt || (row.runAt === known.runAt && row.id <= known.id)) return;
  known.runAt = row.runAt;
  known.id = row.id;
}

const everywhere = (): ClaimRange => ({ priority: FIRST_PRIORITY, runAt: LONG_AGO, id: FIRST_ID, upto: LAST_PRIORITY });
const above = (first: Key): ClaimRange => ({ ...everywhere(), upto: first.priority - 1 });
