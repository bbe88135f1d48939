import type { ResolvedOptions } from '../simple-queue.options.js';
import { inOrder, type MemoryJob } from './memory-job.js';

/** As the statements `pull_claim` and `reap_claims` have it. */
export const KNOWN_MS = 5_000;

/** It runs alone: a crash under it is its own. */
export const isLone = ({ suspicion }: MemoryJob): boolean => suspicion > 2 && suspicion % 2 === 1;

export const aloneMs = ({ suspicion }: MemoryJob): number => KNOWN_MS * 4 ** Math.floor((suspicion - 3) / 2);

export const bySuspicion = (a: MemoryJob, b: MemoryJob): number => a.suspicion - b.suspicion || inOrder(a, b);

/** After a crash that did not poison it. */
export function suspicionAfter(job: MemoryJob, { maxStalls }: Pick<ResolvedOptions, 'maxStalls'>): number {
  if (job.suspicion === 1 && maxStalls === 1) return 3;
  return isLone(job) ? job.suspicion : Math.min(9, job.suspicion + 1);
}
