export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const [SECOND, MINUTE, HOUR, DAY] = [1_000, MINUTE_MS, HOUR_MS, DAY_MS];

type Plural<Word extends string> = Word | `${Word}s`;
type Unit =
  | 'ms'
  | 's'
  | 'm'
  | 'h'
  | 'd'
  | 'w'
  | Plural<
      'msec' | 'millisecond' | 'sec' | 'second' | 'min' | 'minute' | 'hr' | 'hour' | 'day' | 'week'
    >;

/** In milliseconds, by the names that people use. */
const UNITS: Record<Unit, number> = {
  ...{ ms: 1, msec: 1, msecs: 1, millisecond: 1, milliseconds: 1 },
  ...{ s: SECOND, sec: SECOND, secs: SECOND, second: SECOND, seconds: SECOND },
  ...{ m: MINUTE, min: MINUTE, mins: MINUTE, minute: MINUTE, minutes: MINUTE },
  ...{ h: HOUR, hr: HOUR, hrs: HOUR, hour: HOUR, hours: HOUR },
  ...{ d: DAY, day: DAY, days: DAY, w: 7 * DAY, week: 7 * DAY, weeks: 7 * DAY },
};

/** A span of time: milliseconds, or a number with its unit, such as `'15 s'`, `'10min'` or `'7 days'`. */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`;

/** The same options with every duration in milliseconds. */
export type InMs<Options> = Options extends (...args: never[]) => unknown
  ? Options
  : Options extends readonly unknown[]
    ? Options
    : Options extends object
      ? {
          [Name in keyof Options]: Name extends `${string}Ms`
            ? Exclude<Options[Name], string>
            : InMs<Options[Name]>;
        }
      : Options;

/** For the ends of error messages. */
export const DURATION_FORMS = 'in milliseconds, or as a text such as "15 s" or "7 days"';

const TEXT = /^(\d{1,12}(?:\.\d{1,6})?) ?([a-z]+)$/;

/** Milliseconds of a text such as `15 s`; undefined: it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = TEXT.exec(text.trim().toLowerCase()) ?? [];
  if (!Object.hasOwn(UNITS, unit ?? '')) return undefined;
  // 0.29 s is 290 ms, and no number beside it.
  return Number((Number(count) * UNITS[unit as Unit]).toFixed(6));
}

/** In milliseconds. What is no duration stays as it is, for the check that follows. */
export function msOf<Value>(value: Value): Exclude<Value, string> {
  const ms = typeof value === 'string' ? (parseDuration(value) ?? value) : value;
  return ms as Exclude<Value, string>;
}

/** Each option whose name ends in `Ms` in milliseconds, however deep in plain objects; the very object where there is nothing to do. */
export function inMs<Options>(options: Options, depth = 4): InMs<Options> {
  if (depth === 0 || !isPlain(options)) return options as InMs<Options>;
  const entries = Object.entries(options as Record<string, unknown>);
  const changed = entries.map(([name, value]): [string, unknown] => [
    name,
    typeof value === 'string' && name.endsWith('Ms') ? msOf(value) : inMs(value, depth - 1),
  ]);
  const isSame = changed.every(([, value], index) => Object.is(value, entries[index]![1]));
  return (isSame ? options : Object.fromEntries(changed)) as InMs<Options>;
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
