import { InvalidArgumentError } from 'commander';

/** Of an option: a whole number, for the rest of which the library looks. */
export function parseWhole(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number.');
}

/** `1 job`, `1,234 jobs`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
