import { calendarOf } from '../../../lib/schedules/calendar/calendar.js';
import { readingsOf, slowTimes, type Rule } from './slow-reference.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** 200 patterns: times around midnight, where most clocks change, days of all kinds, steps through hours and minutes. */
export const PATTERNS: readonly string[] = patterns();

function patterns(): string[] {
  const fixed = ['0', '30', '59', '15,45', '0-3', '1', '5,25,45'].flatMap((minute) =>
    ['0', '1', '2', '3', '4', '23', '2,3', '1-3', '22-23', '0,12'].map(
      (hour) => `${minute} ${hour}`,
    ),
  );
  const days = [
    '* * *',
    '* * SUN',
    '* * MON-FRI',
    '* MAR,OCT *',
    'L * *',
    '* * 0L',
    '* * SUN#1',
    '15W * *',
    '25-31 * 6',
    '1 * *',
  ];
  const ofDays = fixed.map((time, index) => `${time} ${days[index % days.length]!}`);
  const everyDay = fixed.map((time) => `${time} * * *`);
  const stepping = [
    '0 *',
    '30 *',
    '0 */2',
    '0 */3',
    '30 1-5/2',
    '*/15 *',
    '*/20 2',
    '*/10 1-3',
    '5-50/15 *',
    '*/30 */4',
    '0,30 *',
    '* 2',
  ].flatMap((time) =>
    ['* * *', '* * SUN', '* MAR-NOV *', '*/2 * *', '* * 6,0'].map((day) => `${time} ${day}`),
  );
  const dense = ['* * * * *', '*/5 * * * *', '*/7 * * * *'];
  return [
    ...new Set([
      ...everyDay,
      ...ofDays,
      ...stepping,
      ...dense,
      '0 0 1 1 *',
      '0 3 * 3 0',
      '17 2 * * *',
      '0 2 29 3 *',
    ]),
  ].slice(0, 200);
}

export const isDense = (pattern: string): boolean => /^\*(\/[57])? \*/.test(pattern);

export interface Tally {
  zones: number;
  changes: number;
  compared: number;
  times: number;
  lost: string[];
  doubled: string[];
}

export const emptyTally = (): Tally => ({
  zones: 0,
  changes: 0,
  compared: 0,
  times: 0,
  lost: [],
  doubled: [],
});

/** The hours within these years in which the clocks of the zone change: found by looking at a clock each hour. */
export function changesOf(timeZone: string, fromYear: number, toYear: number): number[] {
  const changes: number[] = [];
  let ahead: number | undefined;
  for (let at = Date.UTC(fromYear, 0, 1); at < Date.UTC(toYear + 1, 0, 1); at += HOUR_MS) {
    const now = readingsOf(timeZone, at, at + 1)[0]! - at;
    if (ahead !== undefined && now !== ahead) changes.push(at);
    ahead = now;
  }
  return changes;
}

const references = new Map<string, number[]>();

/** Compares each pattern around one change of a zone, and counts what the calendar has lost and doubled. */
export function compareAround(
  timeZone: string,
  change: number,
  rule: Rule,
  patterns: readonly string[],
  tally: Tally,
): void {
  tally.changes++;
  const wide = { from: change - 26 * HOUR_MS, to: change + 26 * HOUR_MS };
  const narrow = { from: change - 3 * HOUR_MS, to: change + 3 * HOUR_MS };
  const readings = {
    wide: readingsOf(timeZone, wide.from, wide.to),
    narrow: readingsOf(timeZone, narrow.from, narrow.to),
  };
  for (const pattern of patterns) {
    const [span, shown] = isDense(pattern) ? [narrow, readings.narrow] : [wide, readings.wide];
    const key = [
      pattern,
      rule.skipped,
      rule.repeated,
      shown[0],
      shown.at(-1),
      shapeOf(shown),
    ].join();
    const expected = references.get(key) ?? slowTimes(pattern, shown, rule);
    references.set(key, expected);
    const times = quickTimes({ cron: pattern, timeZone, daylightSaving: rule }, span);
    compare(expected, times, `${timeZone} ${new Date(change).toISOString()} "${pattern}"`, tally);
  }
  if (references.size > 100_000) references.clear();
}

/** Zones whose clocks show the same share a reference. */
const shapeOf = (readings: number[]): number =>
  readings.findIndex((reading, index) => index > 0 && reading - readings[index - 1]! !== MINUTE_MS);

function quickTimes(
  table: Parameters<typeof calendarOf>[0],
  { from, to }: { from: number; to: number },
): number[] {
  const calendar = calendarOf(table);
  const times: number[] = [];
  for (let at = calendar.next(from - 1); at !== undefined && at < to; at = calendar.next(at))
    times.push((at - from) / MINUTE_MS);
  return times;
}

function compare(expected: number[], times: number[], where: string, tally: Tally): void {
  tally.compared++;
  tally.times += expected.length;
  const had = new Set(times);
  const wanted = new Set(expected);
  for (const time of expected) if (!had.has(time)) tally.lost.push(`${where} minute ${time}`);
  for (const [index, time] of times.entries())
    if (!wanted.has(time) || times.indexOf(time) !== index)
      tally.doubled.push(`${where} minute ${time}`);
}
