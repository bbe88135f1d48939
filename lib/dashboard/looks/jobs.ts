import { filterIn } from '../filter-words.js';
import type { Look } from '../look.js';

const MOST = 50;
const TEXTS = ['uniqueKey', 'fingerprint', 'group'] as const;

/** A page of jobs by filter. */
export const jobs: Look = async ({ source: { admin }, asked, hide }) => {
  const after = asked.get('after') ?? undefined;
  const filter = filterIn(asked);
  const { jobs, next, ...page } = await admin.jobs(filter, {
    limit: MOST,
    ...(after ? { after: hide.after(after) } : {}),
  });
  return {
    ...page,
    // What is hidden of one job alone is not found there, either.
    jobs: jobs
      .map((job) => hide.listed(job))
      .filter((job) => TEXTS.every((part) => (filter[part] ?? job[part]) === job[part])),
    next: next && hide.next(next),
  };
};
