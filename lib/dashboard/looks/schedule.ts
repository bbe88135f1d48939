import { QueueError } from '../../job/queue.errors.js';
import { quote } from '../../job/names.js';
import { wanted, type Look } from '../look.js';

/** One schedule: its next runs, and what became of the last ones. */
export const schedule: Look = async ({ source: { schedules }, asked }) => {
  const name = wanted(asked, 'name');
  const found = await schedules.find(name);
  if (!found) throw new QueueError('SCHEDULE_UNKNOWN', `There is no schedule ${quote(name)}.`);
  return {
    // Its payload is on the page of each job, behind `redact`.
    schedule: { ...found, payload: undefined },
    next: await schedules.preview(name, 10),
    ticks: await schedules.ticks(name, { limit: 20 }),
  };
};
