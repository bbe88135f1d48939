import { IN_TIME_MS } from '../job/schedule.js';
import type { Calendar } from './calendar/calendar.js';
import type { StoredSpec } from './stored-spec.js';

/** One step of a schedule that is due: a time that gets its job, or times that are only passed. `next` is where it leads. */
export interface Step {
  at: number;
  next: number | undefined;
  /** Times that were missed; undefined: it is made. */
  missed?: number;
}

/** A catch-up makes no more than this, and one look counts no more than this. */
const MOST_MADE = 100;
const MOST_WALKED = 1_000;

/**
 * What becomes of the times from `from` (the next one, which has come) until now, the oldest first. A time of the last minute
 * is made in any case: a pass that comes a little late has missed nothing. Of older ones `catchUp` decides.
 */
export function dueSteps(
  { spec, calendar }: { spec: StoredSpec; calendar: Calendar },
  from: number,
  now: number,
  inTimeMs = IN_TIME_MS,
): Step[] {
  const inTime = now - inTimeMs;
  const missed = timesUntil(calendar, from, inTime);
  const recent = walked(calendar, from > inTime ? from : calendar.next(inTime), now);
  const made = [...madeUp(spec, { missed: missed.times, recent, now }), ...recent];
  const passed = missed.count + recent.length - made.length;
  // What is more than a look walks is left for the next one: only tests skip so much time.
  const behind = calendar.next(recent.length === MOST_WALKED ? recent.at(-1)! : now);
  const first = {
    at: from,
    next: made[0] ?? behind,
    missed: missed.count === MOST_WALKED ? MOST_WALKED : passed,
  };
  return [
    ...(passed > 0 ? [first] : []),
    ...made.map((at, index) => ({ at, next: made[index + 1] ?? behind })),
  ];
}

function madeUp(
  { catchUp, catchUpWithinMs }: StoredSpec,
  { missed, recent, now }: { missed: number[]; recent: number[]; now: number },
): number[] {
  if (catchUp === 'all') return missed.filter((at) => at > now - catchUpWithinMs).slice(-MOST_MADE);
  // One for all of them: that of the last minute is one.
  return catchUp === 'once' && recent.length === 0 ? missed.slice(-1) : [];
}

interface Times {
  /** The last ones. */
  times: number[];
  /** `MOST_WALKED` means "at least". */
  count: number;
}

/** The times from `first` (one of them) until `until`: all where they are few. */
function timesUntil(calendar: Calendar, first: number, until: number): Times {
  const times = walked(calendar, first, until);
  if (times.length < MOST_WALKED) return { times, count: times.length };
  return { times: lastTimes(calendar, first, until), count: MOST_WALKED };
}

/** Looks back twice as far, again and again, until there are enough, or too many to be walked. */
function lastTimes(calendar: Calendar, first: number, until: number): number[] {
  let last: number[] = [];
  for (let backMs = IN_TIME_MS; last.length < MOST_MADE && until - backMs > first; backMs *= 2) {
    const times = walked(calendar, calendar.next(until - backMs), until);
    if (times.length === MOST_WALKED) break;
    last = times;
  }
  return last.slice(-MOST_MADE);
}

function walked(calendar: Calendar, first: number | undefined, until: number): number[] {
  const times: number[] = [];
  for (
    let at = first;
    at !== undefined && at <= until && times.length < MOST_WALKED;
    at = calendar.next(at)
  )
    times.push(at);
  return times;
}
