import type { ClaimedRow } from '../storage/claim/row-mapper.js';

/** What their payloads weigh. */
export const bytesOf = (jobs: ClaimedRow[]): number =>
  jobs.reduce((sum, { payload, weight }) => sum + (weight || (payload?.length ?? 0)), 0);

export function byLaneOf(rows: ClaimedRow[]): Map<number, ClaimedRow[]> {
  const byLane = new Map<number, ClaimedRow[]>();
  for (const row of rows) {
    const own = byLane.get(row.lane);
    if (own) own.push(row);
    else byLane.set(row.lane, [row]);
  }
  return byLane;
}
