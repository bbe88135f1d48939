import { matches } from './queue-pattern.js';

/** Which part of all jobs somebody serves. */
export interface Served {
  /** Queues by name, by prefix and star (`mail.*`), or `*`; undefined: all. */
  readonly queues?: readonly string[];
  /** The labels it has. */
  readonly labels: ReadonlySet<string>;
}

/** Whose queue is named, and whose labels are all there. Asked once a lane: a lane that is not served costs a claim nothing. */
export function serves({ queues, labels }: Served, lane: { queue: string; labels: readonly string[] }): boolean {
  return (!queues || queues.some((pattern) => matches(pattern, lane.queue))) && lane.labels.every((label) => labels.has(label));
}
