import type { Promotion } from '../claim/promotion.js';
import type { Signal } from './signals.js';

/** Where a job was put, as far as somebody has to be woken for it. */
export interface Placed {
  lane: number;
  /** Its time lies ahead. */
  later?: boolean | undefined;
  fair?: boolean | null | undefined;
}

/** The rule for all who put jobs where they may run: the lanes of those that may run now, and who has to look for later ones, or in fair queues. */
export function wakeUpFor(placed: readonly Placed[]): Signal {
  const now = placed.filter(({ later }) => !later);
  const signal = {
    lanes: [...new Set(now.map(({ lane }) => lane))],
    later: now.length < placed.length,
  };
  return placed.some(({ fair }) => fair) ? { ...signal, fair: true } : signal;
}

export const wakeUpAfter = ({ lanes, movedFair: fair }: Promotion): Signal =>
  wakeUpFor(lanes.map((lane) => ({ lane, fair })));
