import type { Look } from '../look.js';
import { limitDigest } from '../seen.js';
import type { Source } from '../source.js';

/** With what the page says it has seen, where it acts on one. */
export const limitsOf = async ({ admin }: Source) =>
  (await admin.limits()).map((limit) => ({ ...limit, digest: limitDigest(limit) }));

/** What bounds jobs over all processes, and who shares in it. */
export const limits: Look = async ({ source }) => ({ limits: await limitsOf(source) });
