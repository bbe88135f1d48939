import { LEAST_BROUGHT } from '../../runtime/line.js';

/** A range of a lane's ready rows behind a cursor, up to and including priority `upto`. */
export interface ClaimRange {
  priority: number;
  runAt: string;
  id: string;
  upto: number;
}

export interface LaneWish {
  lane: number;
  wanted: number;
  ranges: ClaimRange[];
}

export interface ClaimKey {
  claimId: string;
  lease: string;
}

export interface ClaimWish extends ClaimKey {
  lanes: LaneWish[];
  limit: number;
  /** So many may come in all, where each job is as heavy as it may be; default 128 KiB. What is heavier is left behind. */
  bytes?: number;
}

/** Ranges of all lanes lie one after another; a lane says which slice is its own (PostgreSQL counts from 1). */
export function wishValues(wish: ClaimWish): unknown[] {
  const ranges: ClaimRange[] = [];
  const lo: number[] = [];
  const hi: number[] = [];
  for (const lane of wish.lanes) {
    lo.push(ranges.length + 1);
    ranges.push(...lane.ranges);
    hi.push(ranges.length);
  }
  return [
    wish.lanes.map((lane) => lane.lane),
    wish.lanes.map((lane) => lane.wanted),
    lo,
    hi,
    ranges.map((range) => range.priority),
    ranges.map((range) => range.runAt),
    ranges.map((range) => range.id),
    ranges.map((range) => range.upto),
    wish.limit,
    wish.claimId,
    wish.lease,
    wish.bytes ?? LEAST_BROUGHT,
  ];
}
