import { describe, expect, it } from '@jest/globals';
import { Intake, type IntakeParts } from '../../lib/claim/intake.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { Permits } from '../../lib/runtime/permits.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import type { FairWish } from '../../lib/storage/groups/group.repository.js';
import { Claims } from '../../lib/settle/claims.js';
import { FairPoller, type FairPollerParts } from '../../lib/claim/fair-poller.js';
import { RunReports } from '../../lib/observability/run-reports.js';
import type { LaneRun } from '../../lib/claim/worker-lane.js';
import { aLane, aRow } from '../support/runs.js';

describe('the poller of fair queues', () => {
  it('lets room go round, however many idle lanes stand between those with a backlog', async () => {
    const process = new Permits(1);
    const lanes = Array.from({ length: 50 }, (_, n) => aLane({ id: n + 1, permits: [process] }));
    const served: number[] = [];
    const claimFair = async ({ lane, wanted }: FairWish) => {
      const jobs = [7, 8, 30].includes(lane)
        ? Array.from({ length: wanted }, () => aRow({ lane }))
        : [];
      if (jobs.length > 0) served.push(lane);
      return { jobs, after: null };
    };
    const room = () => lanes.reduce((sum, lane) => sum - lane.buffered, process.free);
    const all = {
      all: () => lanes,
      get: (id: number) => lanes[id - 1],
      get room() {
        return room();
      },
    };
    const parts = {
      lanes: all,
      claims: new Claims(),
      reports: new RunReports(new QueueEventBus()),
      pollIntervalMs: 3_600_000,
    };
    const arrivals = { take: (run: LaneRun) => run.lane.add(run) };
    const claiming = {
      ...parts,
      arrivals,
      dispatcher: { startAll: () => undefined },
      ids: new Uuid7(),
      lease: () => 'lease',
    };
    const intake = new Intake(claiming as unknown as IntakeParts);
    const poller = new FairPoller({
      ...parts,
      groups: { claimFair },
      intake,
    } as unknown as FairPollerParts);
    intake.resume();
    poller.expect(lanes.map(({ id }) => id));

    for (let n = 0; n < 15; n++) {
      await poller.poll();
      lanes.forEach((lane) => lane.giveBack());
    }
    expect(served).toEqual(Array.from({ length: 5 }, () => [7, 8, 30]).flat());
  });

  it('goes on asking for a look where it was told of a lane in which the first look has found nothing', () => {
    const lanes = { get: (id: number) => (id < 3 ? aLane({ id }) : undefined) };
    const poller = new FairPoller({ lanes } as unknown as FairPollerParts);
    expect([
      poller.newsOf([9]),
      poller.newsOf([1, 9]),
      poller.newsOf([1]),
      poller.newsOf([1, 2]),
    ]).toEqual([undefined, 'new', 'unknown', 'new']);
    poller.expect([1]);
    expect([poller.newsOf([1]), poller.newsOf([1, 2])]).toEqual([undefined, 'unknown']);
  });
});
