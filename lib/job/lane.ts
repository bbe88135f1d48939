import { matches } from './values/queue-pattern.js';

/** A worker says so again within this time: what was said before it holds no more. */
export const SAID_MS = 3_600_000;

/** An operator's word among those of workers: some jobs are not kept at all, whatever they say. */
export const PURGED_MS = -1;
/** Clocks differ, and calls take a while. */
const CLOCKS_MS = 60_000;

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
  /** For how long workers of its queue have kept every job that has ended, in milliseconds, and when each said so last, by this process's clock. `PURGED_MS`: an operator's purge. */
  kept?: readonly Kept[];
}

export interface Kept {
  ms: number;
  saidAt: number;
}

/** For how long at least a job is remembered that may have ended since then; less than 0 where an operator has purged; undefined: no worker has said it. */
export function keptSince({ kept = [] }: Pick<Lane, 'kept'>, at: number): number | undefined {
  const latest = Math.max(...kept.map(({ ms, saidAt }) => (ms < 0 ? -Infinity : saidAt)));
  const since = Math.min(at - SAID_MS, latest);
  const said = kept.filter(({ ms, saidAt }) => saidAt >= (ms < 0 ? at - CLOCKS_MS : since));
  return said.length > 0 ? Math.min(...said.map(({ ms }) => ms)) : undefined;
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
