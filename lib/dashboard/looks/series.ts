import type { Look } from '../look.js';
import { HOUR_MS } from '../../job/values/duration.js';
import { Ago } from '../../runtime/ago.js';

const MOST_HOURS = 30 * 24;

/** What ran, step by step: of a queue, or of all, over the last hours. */
export const series: Look = async ({ source: { admin }, asked }) => {
  const hours = Number(asked.get('hours') ?? 1);
  const queue = asked.get('queue') ?? undefined;
  const back = Math.min(Math.max(hours, 1), MOST_HOURS) * HOUR_MS;
  return admin.series({
    ...(queue ? { queue } : {}),
    ...(Number.isFinite(back) ? { from: new Ago(back) } : {}),
  });
};
