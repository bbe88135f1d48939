import { isTerminal } from '../../job/job-state.js';
import { unknown } from '../../admin/revivals.js';
import { payloadOf } from '../../storage/reading/find.repository.js';
import { wanted, type Look } from '../look.js';
import { readable } from '../readable-job.js';
import { settingsOf } from '../settings.js';

/** One job, and why it is where it is. */
export const job: Look = async ({ source, asked, hide }) => {
  const { admin, options, why, isKeyed } = source;
  const id = wanted(asked, 'id');
  const found = await admin.job(id);
  if (!found) throw unknown(id);
  const reasons = await why(id);
  const told = (words: string): string => hide.text(words, found);
  const shown = reasons.map((reason) => ({ ...reason, text: told(reason.text) }));
  const job = hide.job(found);
  const step = isTerminal(found.state) ? await source.stepOf(id) : undefined;
  return {
    job: readable(job, 'redacted' in job ? undefined : payloadOf(found)),
    reasons: shown,
    ...(step && { step: { workflow: step.workflow, attempt: step.attempt, state: step.flow } }),
    settings: settingsOf(options, found.queue, found),
    // A copy has to say that it has no key.
    ...(found.limitKey === undefined && (await isKeyed(found.queue)) && { isKeyless: true }),
  };
};
