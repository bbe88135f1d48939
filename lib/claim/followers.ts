import type { JobRun } from '../run/job-run.js';
import type { Followers as Claiming } from '../settle/successes.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { FollowerWish } from '../storage/groups/group.repository.js';
import type { Intake } from './intake.js';
import type { WorkerLane } from './worker-lane.js';
import type { WorkerLanes } from './worker-lanes.js';

/**
 * Where the next job of an ordered group runs in the process in which the one before it has ended: it is claimed with that one's settle,
 * and waits in its lane behind whatever waits there. So each takes the place of one that has ended.
 */
export class Followers implements Claiming {
  constructor(private readonly parts: { intake: Intake; lanes: WorkerLanes }) {}

  async claim<Settled extends { claimed: ClaimedRow[] }>(
    runs: readonly JobRun[],
    settle: (wish?: FollowerWish) => Promise<Settled>,
  ): Promise<{ settled: Settled; begin?: () => void }> {
    const { intake } = this.parts;
    const now = performance.now();
    const lanes = runs.map((run) => this.laneFor(run, now));
    const places = lanes.filter((lane) => lane !== undefined);
    const key = places.length > 0 ? intake.nextKey() : undefined;
    if (!key) return { settled: await settle() };
    const since = runs.map((run, at) => (lanes[at] ? run.followsSince : null));
    const wish = { ...key, since, lanes: [...new Set(places.map(({ id }) => id))] };
    for (const lane of places) lane.expected++;
    try {
      const settled = await intake.ask(key, places.length, () => settle(wish));
      return { settled, begin: () => void intake.arrived(key, settled.claimed) };
    } finally {
      for (const lane of places) lane.expected--;
    }
  }

  private laneFor(run: JobRun, now: number): WorkerLane | undefined {
    const lane = run.isOrdered ? this.parts.lanes.get(run.laneId) : undefined;
    return lane && now - run.followsSince < lane.followMs ? lane : undefined;
  }
}
