import type { Outcome } from '../job/outcome.js';
import { OTHER } from './names.js';

/** A code where there is one, else the class. Never a message: that may quote what a job carries. */
export function errorTypeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  return typeof name === 'string' && name !== '' ? name : OTHER;
}

/** What failed in a run; undefined where nothing did. */
export function failureIn(outcome: Outcome | undefined): string | undefined {
  return outcome && 'error' in outcome ? errorTypeOf(outcome.error) : undefined;
}
