/** A slow and obvious calendar: it looks at a clock of the zone each minute, and compares what it shows with each field of the pattern. */
const MINUTE_MS = 60_000;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

export type Rule = { skipped: 'after' | 'skip'; repeated: 'first' | 'both' };

/** What a clock shows: as a number that has the same year, month, day, hour and minute in UTC. */
type Reading = number;

/** What the clocks of a zone show in each minute from `from` to `to`. */
export function readingsOf(timeZone: string, from: number, to: number): Reading[] {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const readings: Reading[] = [];
  for (let at = from; at < to; at += MINUTE_MS) readings.push(read(clock.format(at)));
  return readings;
}

function read(text: string): Reading {
  const [, day, month, year, hour, minute] = /(\d+)\/(\d+)\/(\d+), (\d+):(\d+)/
    .exec(text)!
    .map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute);
}

/** In which of these minutes the pattern runs. */
export function slowTimes(pattern: string, readings: Reading[], rule: Rule): number[] {
  const isTime = matcher(pattern);
  const [minute, hour] = pattern.split(' ');
  const isFixed = !/[*?/]/.test(`${minute} ${hour}`);
  const shown = new Set<Reading>();
  const times: number[] = [];
  readings.forEach((reading, index) => {
    const isAgain = shown.has(reading);
    shown.add(reading);
    const before = index === 0 ? reading - MINUTE_MS : readings[index - 1]!;
    let runs = isTime(reading) && !(isFixed && rule.repeated === 'first' && isAgain);
    if (isFixed && rule.skipped === 'after')
      for (let skipped = before + MINUTE_MS; skipped < reading; skipped += MINUTE_MS)
        runs ||= isTime(skipped);
    if (runs) times.push(index);
  });
  return times;
}

const matchers = new Map<string, (reading: Reading) => boolean>();

/** Five fields; a day runs by day or weekday where both are named. */
function matcher(pattern: string): (reading: Reading) => boolean {
  const known = matchers.get(pattern);
  if (known) return known;
  const [minute, hour, day, month, weekday] = pattern.split(' ') as [
    string,
    string,
    string,
    string,
    string,
  ];
  const minutes = valuesOf(minute, 0, 59);
  const hours = valuesOf(hour, 0, 23);
  const months = valuesOf(named(month, MONTHS, 1), 1, 12);
  const isDay = dayMatcher(day);
  const isWeekday = weekdayMatcher(named(weekday, DAYS, 0));
  const byDay = (date: Date): boolean =>
    day === '*' || weekday === '*'
      ? isDay(date) && isWeekday(date)
      : isDay(date) || isWeekday(date);
  const matches = (reading: Reading): boolean => {
    const date = new Date(reading);
    return (
      minutes.has(date.getUTCMinutes()) &&
      hours.has(date.getUTCHours()) &&
      months.has(date.getUTCMonth() + 1) &&
      byDay(date)
    );
  };
  matchers.set(pattern, matches);
  return matches;
}

const named = (field: string, names: string[], first: number): string =>
  names.reduce((text, name, index) => text.replaceAll(name, String(index + first)), field);

function valuesOf(field: string, min: number, max: number): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [low, high] = range === '*' ? [min, max] : range.split('-').map(Number);
    for (let value = low!; value <= (high ?? low!); value += Number(step)) values.add(value);
  }
  return values;
}

const lastDay = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();

function dayMatcher(field: string): (date: Date) => boolean {
  if (field === '*') return () => true;
  if (field === 'L') return (date) => date.getUTCDate() === lastDay(date);
  if (field.endsWith('W'))
    return (date) => date.getUTCDate() === nearestWeekday(date, Number(field.slice(0, -1)));
  const days = valuesOf(field, 1, 31);
  return (date) => days.has(date.getUTCDate());
}

function nearestWeekday(date: Date, day: number): number {
  const last = lastDay(date);
  if (day > last) return -1;
  const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day)).getUTCDay();
  if (weekday === 6) return day === 1 ? 3 : day - 1;
  if (weekday === 0) return day === last ? day - 2 : day + 1;
  return day;
}

function weekdayMatcher(field: string): (date: Date) => boolean {
  if (field === '*') return () => true;
  const [weekday, which] = field.split('#');
  if (which)
    return (date) =>
      date.getUTCDay() === Number(weekday) % 7 &&
      Math.ceil(date.getUTCDate() / 7) === Number(which);
  if (field.endsWith('L'))
    return (date) =>
      date.getUTCDay() === Number(field.slice(0, -1)) % 7 && date.getUTCDate() > lastDay(date) - 7;
  const weekdays = new Set([...valuesOf(field, 0, 6)].map((value) => value % 7));
  return (date) => weekdays.has(date.getUTCDay());
}
