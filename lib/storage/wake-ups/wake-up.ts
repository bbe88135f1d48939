import type { Promotion } from '../claim/promotion.js';
import type { CancelCounts } from '../../job/enqueue-options.js';
import type { Signal } from './signal.js';

/** Where a job was put, as far as somebody has to be woken for it. */
export interface Placed {
  lane: number;
  /** The promoter finds it: its time lies ahead, or it is a suspect. */
  later?: boolean | undefined;
  fair?: boolean | null | undefined;
  /** It waits for a permit of its key. */
  keyed?: boolean | null | undefined;
}

/** The rule for all who put jobs where they may run: the lanes of those that may run now, and who has to look for later ones, or in fair queues. */
export function wakeUpFor(placed: readonly Placed[]): Signal {
  const lanes = new Set<number>();
  const signal: Signal = { lanes: [], later: false };
  for (const { lane, later, fair, keyed } of placed) {
    if (later) signal.later = true;
    else if (keyed) signal.keyed = true;
    else lanes.add(lane);
    if (fair) signal.fair = true;
  }
  signal.lanes.push(...lanes);
  return signal;
}

export const wakeUpAfter = ({ lanes, movedFair: fair, movedSuspects }: Promotion): Signal => ({
  ...wakeUpFor(lanes.map((lane) => ({ lane, fair }))),
  ...(movedSuspects ? { later: true } : {}),
});

/** Something has ended that may have held a turn of an ordered group or a permit of a key, and may have told its end to any queue. */
export const ENDED = { later: true, anywhere: true };

/**
 * What announces a cancel: asked is who runs, and what has ended may have held a turn or a permit, and told its end to another queue.
 * undefined: nobody has to know.
 */
export function wakeUpOfCancel({ cancelled, requested }: CancelCounts): Signal | undefined {
  if (cancelled + requested === 0) return undefined;
  return {
    lanes: [],
    ...(requested > 0 ? { cancel: true } : {}),
    ...(cancelled > 0 ? ENDED : {}),
  };
}
