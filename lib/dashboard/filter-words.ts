import type { JobFilter } from '../admin/job-filter.js';
import { searched } from '../admin/search.js';
import { QueueError } from '../job/queue.errors.js';
import { momentOf } from '../runtime/moment.js';

const TIMES = ['createdAfter', 'createdBefore', 'finishedAfter', 'finishedBefore'] as const;
const TEXTS = ['queue', 'name', 'fingerprint', 'uniqueKey', 'errorKey'] as const;

export const FILTER_WORDS: readonly string[] = [...TEXTS, ...TIMES, 'state', 'q'];

/** A filter as JSON and addresses can say it: times are texts, several states a text with commas, and `q` is a search. What is wrong in it, `QueueAdmin` says. */
export function filterFrom(said: Readonly<Record<string, unknown>>): JobFilter {
  const filter: Record<string, unknown> = {};
  for (const name of TEXTS) if (said[name] !== undefined) filter[name] = said[name];
  for (const name of TIMES) {
    const time = said[name];
    if (time !== undefined) filter[name] = typeof time === 'string' ? momentOf(time) : time;
  }
  const { state } = said;
  if (state !== undefined) filter.state = typeof state === 'string' ? state.split(',') : state;
  return searched((said.q ?? '') as string, filter);
}

/** What an address says of a filter; `""` says nothing. */
export function filterIn(asked: URLSearchParams): JobFilter {
  const said = [...asked].filter(([name, value]) => FILTER_WORDS.includes(name) && value !== '');
  const twice = said.filter(([name], at) => said.findIndex(([other]) => other === name) < at);
  if (twice.length > 0)
    throw new QueueError('INVALID_OPTION', `search: "${twice[0]![0]}" is said twice.`);
  return filterFrom(Object.fromEntries(said));
}
