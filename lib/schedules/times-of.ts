import { setImmediate } from 'node:timers/promises';
import type { Calendar } from './calendar/calendar.js';

/** Of a rare pattern, so many are milliseconds of work: nobody else waits for more. */
const AT_ONCE = 5;

/** The next times of a calendar, as many as there are. */
export async function timesOf(calendar: Calendar, after: number, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = calendar.next(after); at !== undefined; at = calendar.next(at)) {
    if (times.push(at) === count) break;
    if (times.length % AT_ONCE === 0) await setImmediate();
  }
  return times;
}
