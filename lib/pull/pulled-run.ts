import { attemptsOf, type QueuePolicies } from '../options/queue-policy.js';
import type { EndedRun } from '../settle/commands.js';
import type { NumberedLane } from '../storage/lanes/lanes.js';
import type { HeldJob } from '../storage/claim/pull.repository.js';

/** A run of a remote worker that is to be settled. */
export type PulledRun = EndedRun & { isFair: boolean; isStep: boolean; laneId: number };

export function pulledRun(
  held: HeldJob,
  { queue, name, hasOutcomes }: NumberedLane,
  policies: QueuePolicies,
): PulledRun {
  const { id, epoch, runMs, lane, options } = held;
  const policy = policies.of(queue);
  const chances = {
    attempt: held.attempt + 1,
    maxAttempts: attemptsOf(policy, options),
    backoff: options?.backoff ?? policy.backoff,
  };
  const shape = {
    group: options?.group,
    isOrdered: options?.ordered === true,
    isKeyed: options?.limitKey !== undefined,
    isFair: options?.fair === true,
    isStep: options?.step !== undefined,
    hasOutcomes: hasOutcomes === true,
  };
  return { id, epoch, queue, name, runMs, laneId: lane, ...chances, policy, ...shape };
}
