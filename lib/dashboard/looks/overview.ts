import type { Look } from '../look.js';

/** More is on the page of queues, page by page. */
const MOST = 200;

/** What is wrong, and the queues. The event stream looks at it again and again, so that every page learns when something has changed. */
export const overview: Look = async ({ source: { admin } }) => {
  const troubles = await admin.troubles();
  return { troubles, totals: await admin.totals(), queues: await admin.queues({ limit: MOST }) };
};
