import type { JobRun } from '../run/job-run.js';
import type { Followers as Claiming } from '../settle/successes.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { FollowerWish } from '../storage/groups/followers.js';
import type { Intake } from './intake.js';
import type { WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

type Following = FollowerWish['following'][number];

/** Jobs of a group that are read ahead at once. */
const MAX_AHEAD = 15;
/** A group goes on no longer than this where others wait, however little of it its handlers take. */
const LONGEST_MS = 500;

const NONE: Following = { queue: 0, ahead: null };

/**
 * Where the next job of an ordered group, or of a key with a limit, runs in the process in which the one before it has ended: it is claimed
 * with that one's settle, and waits in its lane behind whatever waits there. So each takes the place of one that has ended. Of a group some
 * more are read ahead, so that the next settles need not look for them.
 */
export class Followers implements Claiming {
  /** From the end of a job to that of its settle, of late. */
  private settleMs = 0;

  constructor(private readonly parts: { intake: Intake; lanes: WorkerLanes }) {}

  async claim<Settled extends { claimed: ClaimedRow[] }>(
    runs: readonly JobRun[],
    settle: (wish?: FollowerWish) => Promise<Settled>,
  ): Promise<{ settled: Settled; begin?: () => void }> {
    const { intake } = this.parts;
    const now = performance.now();
    const following = runs.map((run) => this.followingOf(run, now));
    const going = runs.filter((_, at) => following[at] !== NONE);
    const key = going.length > 0 ? intake.nextKey() : undefined;
    if (!key) return { settled: await settle() };
    const wish = { ...key, following, lanes: [...new Set(going.map(({ laneId }) => laneId))] };
    const lanes = going.filter(isLikelyFollowed).map(({ laneId }) => this.parts.lanes.get(laneId)!);
    for (const lane of lanes) lane.expected++;
    try {
      const settled = await intake.ask(key, going.length, () => settle(wish));
      this.settleMs = (this.settleMs + performance.now() - runs[0]!.endedAt) / 2;
      note(runs, settled.claimed);
      return { settled, begin: () => void intake.arrived(key, settled.claimed) };
    } finally {
      for (const lane of lanes) lane.expected--;
    }
  }

  private followingOf(run: JobRun, now: number): Following {
    const { isOrdered } = run;
    const lane = isOrdered || run.isKeyed ? this.parts.lanes.get(run.laneId) : undefined;
    const left = lane ? this.leftOf(run, lane, now) : 0;
    if (!lane || left < 1) return NONE;
    if (!isOrdered) return { queue: lane.queueId, ahead: 0 };
    const { next } = run;
    const known = next?.lane === lane.id && !run.isKeyed ? { next } : {};
    return { ...known, queue: lane.queueId, ahead: Math.min(MAX_AHEAD, Math.floor(left) - 1) };
  }

  /** How many more of its group may follow here, at its pace: by the time of its handlers, and by that which has passed. */
  private leftOf(run: JobRun, { followMs }: WorkerLane, now: number): number {
    if (followMs === 0) return 0;
    const done = run.followed + 1;
    const ranMs = ranOf(run);
    const sinceMs = now - run.followsSince;
    const eachMs = Math.max(1, this.settleMs, sinceMs / done);
    const byTime = 1 + (LONGEST_MS - sinceMs) / eachMs;
    if (sinceMs >= LONGEST_MS || ranMs >= followMs) return 0;
    return Math.min(byTime, 1 + ((followMs - ranMs) * done) / Math.max(0.01, ranMs));
  }
}

/** The time of handlers of the group's jobs that have followed each other here, with this one's. */
const ranOf = (run: JobRun): number => run.followedMs + run.endedAt - run.startedAt;

/** Room is kept for what follows: most keys have one job, and behind one that followed there may be more. */
const isLikelyFollowed = (run: JobRun): boolean => run.isOrdered || run.followed > 0;

/** Each goes on where the one before it has ended. */
function note(runs: readonly JobRun[], claimed: readonly ClaimedRow[]): void {
  const before = new Map(runs.map((run) => [run.id, run]));
  for (const row of claimed) {
    const run = before.get(row.after!)!;
    row.follows = { since: run.followsSince, jobs: run.followed + 1, ranMs: ranOf(run) };
  }
}
