import type { Look } from '../look.js';

/** Of a page. */
export const MOST = 200;

/** Queues by name, page by page. */
export const queues: Look = async ({ source: { admin }, asked }) => {
  const after = asked.get('after') ?? undefined;
  const list = await admin.queues({ limit: MOST, ...(after ? { after } : {}) });
  return { queues: list, next: list.length === MOST ? list.at(-1)!.queue : undefined };
};
