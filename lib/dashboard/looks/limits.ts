import type { Look } from '../look.js';

/** What bounds jobs over all processes, and who shares in it. */
export const limits: Look = async ({ source: { admin } }) => ({ limits: await admin.limits() });
