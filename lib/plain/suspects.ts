import type { CheckedClaim } from '../pull/claim-request.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { inOrder, type PlainJob } from './plain-job.js';

/** So long after its start a job may still be the one that kills its process. As the statements `pull_claim` and `reap_claims` have it. */
export const KNOWN_MS = 5_000;

/** It runs alone: a crash under it is its own. */
export const isLone = ({ suspicion }: PlainJob): boolean => suspicion > 2 && suspicion % 2 === 1;

/** For so long nothing is claimed beside it. */
export const aloneMs = ({ suspicion }: Pick<PlainJob, 'suspicion'>): number =>
  KNOWN_MS * 4 ** Math.floor((suspicion - 3) / 2);

const bySuspicion = (a: PlainJob, b: PlainJob): number =>
  a.suspicion - b.suspicion || inOrder(a, b);

/** After a crash that did not poison it. */
export function suspicionAfter(
  job: PlainJob,
  { maxStalls }: Pick<ResolvedOptions, 'maxStalls'>,
): number {
  if (job.suspicion === 1 && maxStalls === 1) return 3;
  return isLone(job) ? job.suspicion : Math.min(9, job.suspicion + 1);
}

/**
 * What a claim takes of what it `served`: a lone suspect comes beside nothing that is new, and for its time nothing beside it; half of what is
 * asked for may be other ones.
 */
export function picked(
  wish: CheckedClaim,
  served: PlainJob[],
  { own, now }: { own: Held[]; now: number },
): PlainJob[] {
  const lone = served.filter((job) => job.suspicion > 2).sort(bySuspicion);
  const isNew = own.some(({ takenAt }) => takenAt > now - KNOWN_MS);
  const isAlone = own.some(({ takenAt, job }) => isLone(job) && takenAt > now - aloneMs(job));
  const taken =
    !isNew && lone.length > 0
      ? lone.slice(0, 1)
      : isAlone
        ? []
        : others(wish, served.sort(bySuspicion));
  if (taken.length > 0) for (const { job } of own) if (isLone(job)) job.suspicion++;
  return taken.sort(inOrder);
}

function others(wish: CheckedClaim, served: PlainJob[]): PlainJob[] {
  const apart = served
    .filter(({ suspicion }) => suspicion > 0 && suspicion < 3)
    .slice(0, wish.suspects);
  return [
    ...apart,
    ...served.filter(({ suspicion }) => suspicion === 0).slice(0, wish.limit - apart.length),
  ];
}

/** What the worker of a claim holds already. */
interface Held {
  job: PlainJob;
  takenAt: number;
}
