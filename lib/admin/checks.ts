import { LAST_DATE } from '../job/job-result.js';
import { QueueError } from '../job/queue.errors.js';
import { isText, MAX_TEXT } from '../job/values/text.js';
import { must } from '../runtime/rules.js';

export const moment = must(
  (value) => value instanceof Date && value.getTime() >= 0 && value.getTime() <= LAST_DATE,
  'a valid Date, from 1970 to 9999',
);

export const text = must(
  (value) => isText(value) && value !== '',
  `1 to ${MAX_TEXT} characters of well-formed text`,
);

/** What a call was given: it is read again later, and its caller may have given something else in the same object by then. */
export const taken = <Given>(given: Given): Given =>
  typeof given === 'object' && given !== null && !Array.isArray(given) ? { ...given } : given;

/** Names of what was given: undefined says nothing. */
export const givenIn = (given: object): string[] =>
  Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));

/** @throws QueueError `INVALID_OPTION` with all that is wrong; `command` says in whose call. */
export function refuse(command: string, problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `${command}: ${problems.join('; ')}.`);
}
