import { checkQueueName } from '../../job/names.js';
import type { Look } from '../look.js';
import { MOST } from './queues.js';

/** Workers write once a minute. */
const FRESH_MS = 30_000;
const STEPS = 12;

/** How a queue ran in the last hour: runs by steps of five minutes, and how many of those that ended have failed. */
export interface QueueRate {
  queue: string;
  runs: number[];
  failed: number;
  ended: number;
}

/** The rates of a page of queues; those that did not run are missing. */
export const rates: Look = async ({ source, asked, recently }) => {
  const said = asked.get('after');
  const after = said ? checkQueueName(said) : undefined;
  const rows = await recently(`rates ${after}`, () => source.rates(MOST, after), FRESH_MS);
  const found = new Map<string, QueueRate>();
  for (const { queue, step, started, failed, ended } of rows) {
    const runs = found.get(queue)?.runs ?? Array.from({ length: STEPS }, () => 0);
    const rate = found.get(queue) ?? { queue, runs, failed: 0, ended: 0 };
    runs[step] = started;
    found.set(queue, { ...rate, failed: rate.failed + failed, ended: rate.ended + ended });
  }
  return { rates: [...found.values()] };
};
