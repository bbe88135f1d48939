import type { JobFilter } from '../admin/job-filter.js';
import type { QueueAdmin } from '../admin/queue-admin.js';
import { Ago } from '../runtime/ago.js';
import { momentOf } from '../runtime/moment.js';
import { shape, yesOrNo } from '../runtime/rules.js';
import { anything, type Action } from './action.js';
import { bounded, type Batches } from './bounded.js';
import { FILTER_WORDS, filterFrom } from './filter-words.js';

/** What actions on many jobs take: a filter, until when, and whether they only count. The values of the filter are checked where they are used. */
const BY_FILTER: Pick<Action, 'takes' | 'required'> = {
  takes: {
    filter: shape(Object.fromEntries(FILTER_WORDS.map((name) => [name, anything]))),
    until: anything,
    dryRun: yesOrNo,
  },
  required: ['filter'],
};

/** An action on all jobs of a filter, as they were when they were counted: the count says when, and `until` gives it back. */
export const byFilter = <Counts extends object>(
  permission: Action['permission'],
  work: (admin: QueueAdmin, filter: JobFilter, batches: Batches<Counts>) => Promise<Counts>,
): Action => ({
  permission,
  ...BY_FILTER,
  run: async ({ admin }, said) => {
    const filter = filterOf(said);
    const until = untilOf(said);
    // An empty one stays so, and is refused.
    if (Object.keys(filter).length > 0) filter.until = until;
    const done = await bounded(isDry(said), (batches) => work(admin, filter, batches));
    return { ...done, at: until.toISOString() };
  },
});

export const filterOf = ({ filter }: Record<string, unknown>): JobFilter =>
  filterFrom(filter as Record<string, unknown>);

const untilOf = ({ until }: Record<string, unknown>): Date =>
  until === undefined ? new Ago(0) : typeof until === 'string' ? momentOf(until) : (until as Date);

/** Whoever does not say so only counts. */
export const isDry = ({ dryRun = true }: Record<string, unknown>): boolean => dryRun !== false;
