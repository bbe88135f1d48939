import type { JobFilter } from '../admin/job-filter.js';
import { shape, yesOrNo } from '../runtime/rules.js';
import { anything, type Action } from './action.js';
import { FILTER_WORDS, filterFrom } from './filter-words.js';

/** What actions on many jobs take: a filter, and whether they only count. The values of the filter are checked where they are used. */
export const BY_FILTER: Pick<Action, 'takes' | 'required'> = {
  takes: {
    filter: shape(Object.fromEntries(FILTER_WORDS.map((name) => [name, anything]))),
    dryRun: yesOrNo,
  },
  required: ['filter'],
};

export const filterOf = ({ filter }: Record<string, unknown>): JobFilter =>
  filterFrom(filter as Record<string, unknown>);

/** Whoever does not say so only counts. */
export const isDry = ({ dryRun = true }: Record<string, unknown>): boolean => dryRun !== false;
