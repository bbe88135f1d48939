import type { Look } from '../look.js';
import { withDigest } from '../seen.js';

const MOST = 200;

/** Schedules by name, page by page. */
export const schedules: Look = async ({ source, asked }) => {
  const after = asked.get('after') ?? undefined;
  const list = await source.schedules.list({ limit: MOST, ...(after ? { after } : {}) });
  const next = list.length === MOST ? list.at(-1)!.name : undefined;
  return { schedules: list.map(withDigest), next };
};
