import { matches } from './values/queue-pattern.js';

/** What names a lane. Labels are sorted. */
export interface LaneName {
  queue: string;
  name: string;
  labels?: readonly string[];
}

/** What is claimed: the jobs of one name and one set of labels in one queue. Its numbers are what the database last said of it. */
export interface Lane extends LaneName {
  id: number;
  queueId: number;
  labels: readonly string[];
  /** For how long its workers keep every job that has ended, in milliseconds, where one has said so. */
  keptMs?: number;
}

/** Which part of all jobs somebody serves. */
export interface Served {
  /** Queues by name, by prefix and star (`mail.*`), or `*`; undefined: all. */
  readonly queues?: readonly string[];
  /** The labels it has. */
  readonly labels: ReadonlySet<string>;
}

/** Whose queue is named, and whose labels are all there. Asked once per lane: a lane that is not served costs a claim nothing. */
export function serves(
  { queues, labels }: Served,
  lane: { queue: string; labels: readonly string[] },
): boolean {
  return (
    (!queues || queues.some((pattern) => matches(pattern, lane.queue))) &&
    lane.labels.every((label) => labels.has(label))
  );
}
