import { quote, quoteNumber } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { DURATION_FORMS } from '../job/values/duration.js';
import { isText, MAX_TEXT } from '../job/values/text.js';

export function checkText(option: string, text: unknown, call?: string): string {
  if (!isText(text) || text === '')
    throw invalid(
      `${option} must be 1 to ${MAX_TEXT} characters of well-formed text, not ${quote(text)}`,
      call,
    );
  return text;
}

export function checkWhole(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value)) return checkNumber(option, value, min, max);
  throw invalid(
    `${option} must be a whole number from ${min} to ${max}${formsFor(option, value)}, not ${quoteNumber(value)}`,
  );
}

export function checkNumber(option: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw invalid(
    `${option} must be a number from ${min} to ${max}${formsFor(option, value)}, not ${quoteNumber(value)}`,
  );
}

/** Of a text that is no duration, where one may be given. */
export const formsFor = (option: string, value: unknown): string =>
  option.endsWith('Ms') && typeof value === 'string' ? ` ${DURATION_FORMS}` : '';

export function checkObject(what: string, value: unknown, call?: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} must be an object, not ${quote(value)}`, call);
}

/** Types take no more arguments; in JavaScript, options that a call does not know would be lost. */
export function checkNoMore(call: string, more: readonly unknown[], why: string): void {
  if (more.some((value) => value !== undefined)) throw invalid(`takes no options: ${why}`, call);
}

export function checkFlag(option: string, value: boolean | undefined): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalid(`${option} must be true or false`);
}

/** A payload that stands there bare would be read as options, and lost where its members happen to be some. */
export function checkItems(items: unknown): void {
  if (!Array.isArray(items)) throw invalid(`the items must be a list, not ${quote(items)}`);
  const bare = items.findIndex(isBare);
  if (bare < 0) return;
  const message = `Item ${bare}: enqueueMany: each item is { payload, ...options }, and this one has no payload.`;
  throw new QueueError('INVALID_OPTION', message);
}

const isBare = (item: unknown): boolean =>
  typeof item !== 'object' || item === null || !('payload' in item || 'payloadBytes' in item);

/** `call`: the one that was made, as its caller knows it. */
export function invalid(problem: string, call = 'enqueue'): QueueError {
  return new QueueError('INVALID_OPTION', `${call}: ${problem}${problem.endsWith('?') ? '' : '.'}`);
}
