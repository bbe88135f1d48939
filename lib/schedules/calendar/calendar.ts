import { LAST_DATE } from '../../job/job-result.js';
import { quote } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';
import { Pattern } from './pattern.js';
import { Zone } from './zone.js';
import { DAY_MS } from '../../job/values/duration.js';

/** Of a fixed time: what becomes of one that the change to summer time skips, and of one that comes twice in autumn. */
interface DaylightSaving {
  skipped: 'after' | 'skip';
  repeated: 'first' | 'both';
}

/** When something is to happen. Times are milliseconds since 1970. */
export interface Timetable {
  cron?: string;
  everyMs?: number;
  timeZone: string;
  daylightSaving: DaylightSaving;
  startAt?: number;
  /** The first moment at which nothing happens any more. */
  endAt?: number;
}

const SECOND_MS = 1_000;

/** Finds the times of a timetable. It knows no present: whoever asks says after when. */
export interface Calendar {
  /** The first time after `after`; undefined: there is none. */
  next(after: number): number | undefined;
}

/** @throws QueueError `SCHEDULE_PATTERN_INVALID`, `SCHEDULE_ZONE_UNKNOWN` */
export function calendarOf(table: Timetable): Calendar {
  const { startAt = -Infinity, endAt = LAST_DATE } = table;
  const times =
    table.cron === undefined
      ? new Steps(table.everyMs!, table.startAt ?? 0)
      : new ZonedPattern(table);
  return {
    next: (after) => {
      const next = times.next(Math.max(after, startAt - 1));
      return next !== undefined && next < endAt ? next : undefined;
    },
  };
}

/** Every so many milliseconds, counted from the start (or from 1970, so that every process counts alike). */
class Steps implements Calendar {
  constructor(
    private readonly everyMs: number,
    private readonly from: number,
  ) {}

  next(after: number): number {
    return this.from + (Math.floor((after - this.from) / this.everyMs) + 1) * this.everyMs;
  }
}

/**
 * The readings of a pattern on the clocks of a zone. Between two changes of the clocks readings and moments differ by a constant, so the
 * pattern is walked there in readings; what a change does to fixed times is decided here. Patterns that step through hours or minutes, or
 * take all of them, go by real time: they run whenever the clock shows what they say, and not more often.
 */
class ZonedPattern implements Calendar {
  private readonly pattern: Pattern;
  private readonly zone: Zone;
  private readonly runsAfterGap: boolean;
  private readonly runsOnce: boolean;

  constructor({ cron, timeZone, daylightSaving }: Timetable) {
    this.pattern = new Pattern(cron!);
    const zone = Zone.of(timeZone);
    if (!zone) throw unknownZone(timeZone);
    this.zone = zone;
    this.runsAfterGap = this.pattern.isFixed && daylightSaving.skipped === 'after';
    this.runsOnce = this.pattern.isFixed && daylightSaving.repeated === 'first';
  }

  next(after: number): number | undefined {
    let from = Math.floor(after / SECOND_MS) * SECOND_MS;
    let offset = this.zone.offsetAt(from);
    for (let changedAt = from; ;) {
      const reading = this.pattern.nextReading(from + offset);
      if (reading === undefined || reading > LAST_DATE) return undefined;
      const time = reading - offset;
      const change = this.zone.changeBetween(changedAt, time);
      if (change) {
        // It lies behind the change: in what the clocks skip, or among what they show afterwards.
        if (this.runsAfterGap && reading < change.at + change.after) return change.at;
        changedAt = change.at;
        from = change.at - SECOND_MS;
        offset = change.after;
      } else {
        if (!this.runsOnce || !this.isSecond(time, reading)) return time;
        from = time;
      }
    }
  }

  /** Did the clocks show it before they were put back? */
  private isSecond(time: number, reading: number): boolean {
    const change = this.zone.changeBetween(time - DAY_MS, time);
    return change !== undefined && reading < change.at + change.before;
  }
}

function unknownZone(name: unknown): QueueError {
  const message = `There is no time zone ${quote(name)}. Give a name of the IANA database, such as "Europe/Berlin" or "UTC".`;
  return new QueueError('SCHEDULE_ZONE_UNKNOWN', message);
}
