import { DAY_MS, MINUTE_MS } from '../../job/values/duration.js';

/** A moment at which the clocks of a zone change: `before` and `after` are what they are ahead of UTC, in milliseconds. */
interface Change {
  at: number;
  before: number;
  after: number;
}

const MAX_NAME = 64;
/** More than there are zones, and more years than most searches go through. */
const MAX_ZONES = 1_000;
const MAX_YEARS = 200;
/** No zone has changed its clocks twice within less than seven days since 1970. */
const LOOK_MS = 5 * DAY_MS;
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/;

const zones = new Map<string, Zone>();

/** What the clocks of an IANA time zone say, by the tables that Node.js brings. */
export class Zone {
  private readonly format: Intl.DateTimeFormat;
  private readonly years = new Map<number, Change[]>();

  private constructor(readonly name: string) {
    this.format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** undefined: there is no such zone. An offset such as `+02:00` is none: it knows no daylight saving. */
  static of(name: unknown): Zone | undefined {
    if (typeof name !== 'string') return undefined;
    const known = zones.get(name);
    if (known) return known;
    if (name.length > MAX_NAME || !/^[A-Za-z]/.test(name)) return undefined;
    try {
      const zone = new Zone(name);
      if (zones.size < MAX_ZONES) zones.set(name, zone);
      return zone;
    } catch {
      return undefined;
    }
  }

  /** How far its clocks are ahead of UTC at that moment, in milliseconds. */
  offsetAt(at: number): number {
    const [, sign, hours, minutes, seconds = '0'] = OFFSET.exec(this.format.format(at)) ?? [];
    if (!sign) return 0;
    const ms = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS + Number(seconds) * 1_000;
    return sign === '-' ? -ms : ms;
  }

  /** The first change after `from`, until `to` and with it. */
  changeBetween(from: number, to: number): Change | undefined {
    for (
      let year = new Date(from).getUTCFullYear();
      year <= new Date(to).getUTCFullYear();
      year++
    ) {
      const change = this.changesOf(year).find(({ at }) => at > from);
      if (change) return change.at <= to ? change : undefined;
    }
    return undefined;
  }

  private changesOf(year: number): Change[] {
    let changes = this.years.get(year);
    if (changes) return changes;
    changes = [];
    const end = Date.UTC(year + 1, 0, 1) - 1_000;
    let from = Date.UTC(year, 0, 1) - 1_000;
    let before = this.offsetAt(from);
    while (from < end) {
      const to = Math.min(from + LOOK_MS, end);
      const after = this.offsetAt(to);
      if (before !== after) changes.push({ at: this.bisect(from, to, before), before, after });
      [from, before] = [to, after];
    }
    if (this.years.size >= MAX_YEARS) this.years.clear();
    this.years.set(year, changes);
    return changes;
  }

  /** The first second at which the clocks no longer say what they said at `low`. */
  private bisect(low: number, high: number, before: number): number {
    let [from, to] = [low, high];
    while (to - from > 1_000) {
      const middle = from + Math.floor((to - from) / 2_000) * 1_000;
      if (this.offsetAt(middle) === before) from = middle;
      else to = middle;
    }
    return to;
  }
}
