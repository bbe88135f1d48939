import type { Look } from '../look.js';

/** What is wrong, and the queues. The event stream looks at it again and again, so that every page learns when something has changed. */
export const overview: Look = async ({ source: { admin } }) => {
  const [troubles, queues] = [await admin.troubles(), await admin.queues()];
  return { troubles, queues };
};
