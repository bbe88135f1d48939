import { Ago } from '../../runtime/ago.js';
import { isMoment, momentOf } from '../../runtime/moment.js';
import { InvalidArgumentError } from 'commander';
import { DAY_MS, parseDuration } from '../../job/values/duration.js';

const UNITS: readonly [name: string, ms: number][] = [
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** An age, in the largest unit that it fills: `2 h`. */
export function span(ms: number): string {
  const [count, unit] = inUnits(ms);
  return `${Math.floor(count)} ${unit}`;
}

/** How long a run took, small numbers with a tenth: `1.5 s`, `12 s`. */
export function lasted(ms: number): string {
  const [count, unit] = inUnits(ms);
  return `${count < 10 && unit !== 'ms' ? Math.floor(count * 10) / 10 : Math.floor(count)} ${unit}`;
}

function inUnits(ms: number): [count: number, unit: string] {
  const [name, unit] = UNITS.find(([, unit]) => ms >= unit) ?? ['ms', 1];
  return [Math.max(0, ms / unit), name];
}

/** `3 min ago`, `in 2 h`; by the clock of this machine. */
export function fromNow(date: Date, now = Date.now()): string {
  const ms = date.getTime() - now;
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}

/** A moment in full, and how long ago it was. One that no Date can hold has neither. */
export function moment(date: Date): string {
  return date instanceof Date && !Number.isNaN(date.getTime())
    ? `${date.toISOString()} (${fromNow(date)})`
    : 'unreadable';
}

/** Of an option such as `--delay 10min`, in milliseconds. */
export function parseSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new InvalidArgumentError('It takes a number with a unit: 500ms, 30s, 10min, 2h or 7d.');
  return ms;
}

/** Of an option such as `--created-after 2h` (ago) or `--run-at 2026-11-21T10:00:00Z`. */
export function parseMoment(text: string): Date {
  const date = isMoment(text) ? momentOf(text) : new Ago(parseDuration(text) ?? NaN);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError(
      'It takes a time such as 2026-11-21T10:00:00Z, or how long ago it was: 30s, 10min, 2h, 7d.',
    );
  return date;
}

/** A time to come is no time ago. */
export function parseDate(text: string): Date {
  if (isMoment(text)) return parseMoment(text);
  throw new InvalidArgumentError('It takes a time such as 2026-11-21T10:00:00Z.');
}
