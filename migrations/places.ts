/** Where a job is that may run as soon as there is room. */
export const MAY_RUN = ['ready', 'fair_ready', 'suspect'] as const;

/** Where a job is that waits for anything. A new place is named here; CONTRIBUTING says what follows. */
export const WAITING = [...MAY_RUN, 'scheduled', 'blocked', 'keyed', 'staged'] as const;

export type WaitingPlace = (typeof WAITING)[number];

/** Places whose index by lane is a partial one: its condition has to be said. */
const SMALLER: readonly string[] = [
  'scheduled',
  'blocked',
  'keyed',
  'staged',
] satisfies WaitingPlace[];

/** The rows of a place that are of this lane, along an index. */
export const ofLane = (place: string, lane: string, shard = '$1'): string =>
  `simple_queue.${place} where lane = ${lane}${SMALLER.includes(place) ? ' and lane > 0' : ''} and shard = ${shard}`;
