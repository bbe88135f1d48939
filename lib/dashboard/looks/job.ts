import { unknown } from '../../admin/revivals.js';
import { wanted, type Look } from '../look.js';
import { readable } from '../readable-job.js';

/** One job, and why it is where it is. */
export const job: Look = async ({ source: { admin }, asked, hide }) => {
  const id = wanted(asked, 'id');
  const found = await admin.job(id);
  if (!found) throw unknown(id);
  const { reasons, text, troubles } = await admin.explain(id);
  const told = (words: string): string => hide.text(words, found);
  return {
    job: readable(hide.job(found)),
    reasons: reasons.map((reason) => ({ ...reason, text: told(reason.text) })),
    text: told(text),
    troubles,
  };
};
