import type { FleetPermits, LimitedLane } from './fleet-permits.js';

interface Startable {
  /** Calls that would be claimed. */
  wished: number;
  /** Calls that were claimed, and wait here. */
  here: number;
}

/**
 * What lanes could start in the time that starts are drawn for, as far as they have permits of all their limits. A start without a permit would be lost
 * to the process that has one. `growth`: how many times as much as lately may come free; `times`: of
 * what they want now.
 */
export function startable(lanes: Iterable<LimitedLane>, growth: number, times = 1): Startable {
  const left = new Map<FleetPermits, number>();
  const grant = ({ fleet }: LimitedLane, calls: number): number => {
    const roomOf = (limit: FleetPermits): number => left.get(limit) ?? limit.soon(growth);
    const granted = Math.min(calls, ...fleet.permits.map(roomOf));
    for (const limit of fleet.permits) left.set(limit, roomOf(limit) - granted);
    return granted;
  };
  const sum = { wished: 0, here: 0 };
  for (const lane of lanes) {
    sum.here += grant(lane, times * lane.coming);
    sum.wished += grant(lane, times * lane.wish);
  }
  return sum;
}
