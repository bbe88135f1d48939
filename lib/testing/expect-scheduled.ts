import type { INestApplicationContext } from '@nestjs/common';
import { quote } from '../job/names.js';
import { inMs, type Duration } from '../job/values/duration.js';
import type { Schedule } from '../job/schedule.js';
import { QueueSchedules } from '../schedules/queue-schedules.js';
import { partsOf, type OfInstance } from './application-parts.js';

/** What a schedule is to be like: the given members have to be equal. */
export type ExpectedSchedule = Partial<
  Pick<Schedule, 'cron' | 'timeZone' | 'queue' | 'jobName' | 'overlap' | 'catchUp' | 'payload'> & {
    everyMs: Duration;
  }
>;

/**
 * The schedule of this name, declared or put, as it is kept. What an open transaction has put is not there yet.
 * @throws Error that shows what differs, or which schedules there are; QueueError `INVALID_NAME`, `MODULE_INVALID`.
 */
export async function expectScheduled(
  app: INestApplicationContext,
  name: string,
  expected: ExpectedSchedule = {},
  options: OfInstance = {},
): Promise<Schedule> {
  const { storage, options: resolved, events, declared } = partsOf(app, options);
  const schedules = new QueueSchedules(storage, resolved, { events, declared });
  const found = await schedules.find(name);
  if (!found)
    throw new Error(`Expected a schedule ${quote(name)}. There are: ${await names(schedules)}.`);
  const wrong = Object.entries(inMs(expected, 1)).filter(
    ([member, value]) => !isEqual(found[member as keyof Schedule], value),
  );
  if (wrong.length === 0) return found;
  const members = wrong.map(
    ([member]) => `${member} ${JSON.stringify(found[member as keyof Schedule])}`,
  );
  throw new Error(`Schedule ${quote(name)} has ${members.join(', ')}, not what was expected.`);
}

const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

async function names(schedules: QueueSchedules): Promise<string> {
  const all = (await schedules.list({ limit: 100 })).map(({ name }) => quote(name));
  return all.join(', ') || 'none';
}
