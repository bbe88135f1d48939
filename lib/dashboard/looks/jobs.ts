import { TEXTS } from '../access/redaction.js';
import { filterIn } from '../filter-words.js';
import type { Look } from '../look.js';

const MOST = 50;

/** A page of jobs by filter. */
export const jobs: Look = async ({ source: { admin }, asked, hide }) => {
  const after = asked.get('after') ?? undefined;
  const filter = filterIn(asked);
  const { jobs, next, ...page } = await admin.jobs(filter, {
    limit: MOST,
    ...(after ? { after: hide.after(after) } : {}),
  });
  // What is hidden of one job alone is not found there, nor counted.
  const shown = jobs
    .map((job) => hide.listed(job))
    .filter((job) => TEXTS.every((part) => (filter[part] ?? job[part]) === job[part]));
  return {
    ...page,
    looked: page.looked - (jobs.length - shown.length),
    jobs: shown,
    next: next && hide.next(next),
  };
};
