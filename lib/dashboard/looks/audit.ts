import type { Look } from '../look.js';

const MOST = 50;

/** Who did what, the newest first, page by page. */
export const audit: Look = async ({ source: { admin }, asked, hide }) => {
  const said = (name: string): object => (asked.get(name) ? { [name]: asked.get(name)! } : {});
  const filter = { ...said('actor'), ...said('action'), ...said('queue') };
  const acts = await admin.audit(filter, { limit: MOST, ...said('after') });
  const shown = acts.map((act) => ({ ...act, selector: hide.selector(act.selector) }));
  return { acts: shown, next: acts.length === MOST ? acts.at(-1)!.id : undefined };
};
