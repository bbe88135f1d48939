import { filterIn } from '../filter-words.js';
import type { Look } from '../look.js';

const MOST = 50;

/** A page of jobs by filter. */
export const jobs: Look = async ({ source: { admin }, asked, hide }) => {
  const after = asked.get('after') ?? undefined;
  const page = await admin.jobs(filterIn(asked), { limit: MOST, ...(after ? { after } : {}) });
  return { ...page, jobs: page.jobs.map((job) => hide.listed(job)) };
};
