import type { Look } from '../look.js';

/** Every process that works. */
export const workers: Look = async ({ source: { admin } }) => ({ workers: await admin.workers() });
