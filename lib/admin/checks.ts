import { LAST_DATE } from '../job/job-result.js';
import { QueueError } from '../job/queue.errors.js';
import { must } from '../runtime/rules.js';

const MAX_TEXT = 512;

export const moment = must(
  (value) => value instanceof Date && value.getTime() >= 0 && value.getTime() <= LAST_DATE,
  'a valid Date, from 1970 to 9999',
);

/** PostgreSQL's text holds no U+0000, and UTF-8 no lone surrogate. */
export const text = must(
  (value) =>
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_TEXT &&
    !value.includes('\0') &&
    value.isWellFormed(),
  `1 to ${MAX_TEXT} characters of well-formed text`,
);

/** @throws QueueError `INVALID_OPTION` with all that is wrong; `command` says in whose call. */
export function refuse(command: string, problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `${command}: ${problems.join('; ')}.`);
}
