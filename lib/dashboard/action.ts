import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import { quote } from '../job/names.js';
import { shape, type Rule } from '../runtime/rules.js';
import type { DashboardPermission } from './access/access.js';
import type { Source } from './source.js';

/**
 * A window lags behind the tables, and another person may have been faster: an act that says what was seen is for that alone.
 * It holds among dashboards, of all processes. What the command line or the application does in the moment between this look and the act is not seen.
 */
export interface Seen {
  /** What is there now, as the page shows it; undefined: nothing. */
  now: (source: Source, said: Record<string, unknown>) => Promise<unknown>;
  code: QueueErrorCode;
  words: string;
}

/** Something that a person may do in the page. */
export interface Action {
  permission: DashboardPermission;
  /** What its body may hold, and nothing else; the values are checked by what it calls, except by these. */
  takes: Readonly<Record<string, Rule>>;
  required: readonly string[];
  /** Its body may have `seen`, what the page showed: where something else is there by now, nothing is done. */
  seen?: Seen;
  run(source: Source, said: Record<string, unknown>): Promise<unknown>;
}

export const anything: Rule = () => [];

/** @throws QueueError `INVALID_OPTION` with all that is wrong. */
export function checkedBody(
  name: string,
  { takes, required, seen }: Action,
  body: unknown,
): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new QueueError('INVALID_OPTION', `${name}: the body must be a JSON object.`);
  const problems = shape(seen ? { ...takes, seen: anything } : takes, required)(body, '');
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `${name}: ${problems.join('; ')}.`);
  return body as Record<string, unknown>;
}

/** @throws QueueError `INVALID_OPTION` */
export function textOf(said: Record<string, unknown>, name: string): string {
  const value = said[name];
  if (typeof value === 'string') return value;
  throw new QueueError('INVALID_OPTION', `${name} must be a text, not ${quote(value)}.`);
}
