import { QueueError } from '../../job/queue.errors.js';
import { quote } from '../../job/names.js';
import { wanted, type Look } from '../look.js';
import { withDigest } from '../seen.js';
import { whyNot } from '../why-not.js';

const MOST_TICKS = 20;

/** One schedule: its next runs, and what became of the last ones. */
export const schedule: Look = async ({ source, asked }) => {
  const { schedules } = source;
  const name = wanted(asked, 'name');
  const found = await schedules.find(name);
  if (!found) throw new QueueError('SCHEDULE_UNKNOWN', `There is no schedule ${quote(name)}.`);
  const ticks = await schedules.ticks(name, { limit: MOST_TICKS });
  return {
    schedule: withDigest(found),
    // One that a foreign hand has changed has no times that can be worked out.
    next: await schedules.preview(name, 10).catch(() => []),
    reasons: await whyNot(source, found, ticks),
    ticks,
  };
};
