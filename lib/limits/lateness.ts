import { latenessOf } from '../job/limit.js';
import type { LimitRow } from '../storage/limits/limit.repository.js';

/**
 * Starts of a process that was held up would come together: what is too late for its rate is given up, and asked for again, so often. A database that
 * is always slow delays all alike, which fills no window.
 */
export const SLOW_TRIES = 5;

/** How late a start may be; Infinity: there is no rate. */
export const lateMsOf = ({
  rate,
  perMs,
  strict,
}: Pick<LimitRow, 'rate' | 'perMs' | 'strict'>): number =>
  rate === null || perMs === null ? Infinity : latenessOf({ limit: rate, perMs, strict });
