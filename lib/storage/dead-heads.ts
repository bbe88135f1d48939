import type { DeadHead, ResolvedOptions } from '../options/simple-queue.options.js';

/** Nothing overtakes a job that failed unless the application says so. */
export const DEFAULT_DEAD_HEAD: DeadHead = 'block';

/** The policy by queue name; `''` stands for every other queue. No prototype: a queue may be called `__proto__`. */
export function deadHeads({ queues }: Pick<ResolvedOptions, 'queues'>): Readonly<Record<string, DeadHead>> {
  const own = [...queues].flatMap(([name, { deadHead }]) => (deadHead ? [[name, deadHead] as const] : []));
  return Object.assign(Object.create(null) as Record<string, DeadHead>, { '': DEFAULT_DEAD_HEAD }, Object.fromEntries(own));
}
