import type { JobCount } from '../../lib/admin/overview.js';

const UNITS: [ms: number, sign: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `3 min`, `2.5 s`, `12 ms`. */
export function span(ms: number): string {
  const [size, sign] = UNITS.find(([unit]) => ms >= unit) ?? [1, 'ms'];
  const value = ms / size;
  return `${value < 10 && size > 1 ? Number(value.toFixed(1)) : Math.round(value)} ${sign}`;
}

export const number = (value: number): string => value.toLocaleString('en-US');

export const count = ({ jobs, atLeast }: JobCount): string => number(jobs) + (atLeast ? '+' : '');

export const many = (value: number, one: string, more = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : more}`;

/** An error may be hidden where its job is shown. */
export const errorWords = ({
  example: { error },
}: {
  example: { error?: { name: string; message: string } };
}): string => (error ? `${error.name}: ${error.message}` : 'hidden');

/** The viewer's zone, to the second. */
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const local = (time: string | number): string => LOCAL.format(new Date(time));

export function ago(time: string | number, now: number): string {
  const ms = now - new Date(time).getTime();
  if (Math.abs(ms) < 1_000) return 'now';
  return ms < 0 ? `in ${span(-ms)}` : `${span(ms)} ago`;
}

/** What has no shape, or turns the direction of what follows, is spelled out: nothing looks like what it is not. */
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const visible = (text: string): string =>
  text.replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
