import { oneLine } from '../runtime/words.js';
import { filterOf } from './by-filter.js';

const LONGEST = 200;

/** What was acted on, for the log: names and ids, and nothing that an application has put into a job. */
export function subjectOf(said: Record<string, unknown>): string {
  const { id, ids, queue, name } = said;
  const named = [queue, name, id].filter((part) => typeof part === 'string');
  const jobs = Array.isArray(ids) ? [`${ids.length} jobs: ${ids.slice(0, 5).join(', ')}`] : [];
  const parts = [...named, ...jobs];
  return oneLine(parts.length > 0 ? parts.join(' ') : 'by a filter', LONGEST);
}

/** The same for the audit: a search is kept as what it means, so that what it looks for in payloads is left out. */
export const selectorOf = (said: Record<string, unknown>): object => ({
  ...said,
  ...(said.filter !== undefined && { filter: filterOf(said) }),
  dryRun: undefined,
  seen: undefined,
});
