import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Followers } from '../../lib/claim/followers.js';
import type { Intake } from '../../lib/claim/intake.js';
import type { WorkerLanes } from '../../lib/claim/worker-lanes.js';
import type { JobRun } from '../../lib/run/job-run.js';
import type { ClaimedRow } from '../../lib/storage/claim/row-mapper.js';
import type { FollowerWish } from '../../lib/storage/groups/followers.js';
import { aLane, aRow, aRun } from '../support/runs.js';

const ORDERED = { options: '{"ordered":true}' };

describe('what a settle asks for behind jobs of ordered groups and of keys', () => {
  // How much time a group has left is asked of the clock, which must not depend on the machine.
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const lane = aLane();
  const lanes = { get: (id: number) => (id === lane.id ? lane : undefined) };
  const intake = {
    nextKey: () => ({ claimId: 'claim', lease: 'lease' }),
    ask: (_key: unknown, _asked: number, send: () => Promise<unknown>) => send(),
  };
  const followers = new Followers({
    intake: intake as unknown as Intake,
    lanes: lanes as unknown as WorkerLanes,
  });
  const aStart = (row: Partial<ClaimedRow> = {}): JobRun => {
    const run = aRun({ ...ORDERED, ...row }, { lane });
    run.startedAt = performance.now();
    run.endedAt = run.startedAt + 0.5;
    return run;
  };
  async function asked(run: JobRun, claimed: ClaimedRow[] = []) {
    let wish: FollowerWish | undefined;
    await followers.claim([run], (given) => {
      wish = given;
      return Promise.resolve({ claimed });
    });
    return wish?.following[0];
  }

  it('is nothing once the group has had its time, or its handlers have', async () => {
    const since = performance.now() - 600;
    expect(await asked(aStart({ follows: { since, jobs: 3, ranMs: 1 } }))).toBeUndefined();
    const ranMs = lane.followMs;
    expect(await asked(aStart({ follows: { since: since + 590, jobs: 3, ranMs } }))).toBeUndefined(); // prettier-ignore
  });

  it('is the next one and some more, each of which goes on where the one before has ended', async () => {
    const row = aRow({ ...ORDERED });
    const first = aStart();
    row.after = first.id;
    expect(await asked(first, [row])).toEqual({ queue: lane.queueId, ahead: 15 });
    expect(row.follows).toMatchObject({ since: first.startedAt, jobs: 1 });
    expect(row.follows!.ranMs).toBeCloseTo(0.5);
  });

  it('is no more than what the group has time for at its pace', async () => {
    const since = performance.now() - 300;
    expect((await asked(aStart({ follows: { since, jobs: 2, ranMs: 1 } })))?.ahead).toBeLessThan(3);
    const ranMs = lane.followMs / 2;
    expect((await asked(aStart({ follows: { since: since + 290, jobs: 4, ranMs } })))?.ahead).toBe(4); // prettier-ignore
  });

  it('is the next one of its key alone, for which room is kept where it followed one itself', async () => {
    const expected = async (row: Partial<ClaimedRow>) => {
      let meanwhile = 0;
      const run = aStart({ options: '{"limitKey":"a"}', ...row });
      await followers.claim([run], (wish) => {
        meanwhile = lane.expected;
        expect(wish?.following).toEqual([{ queue: lane.queueId, ahead: 0 }]);
        return Promise.resolve({ claimed: [] });
      });
      return [meanwhile, lane.expected];
    };
    expect(await expected({})).toEqual([0, 0]);
    const follows = { since: performance.now(), jobs: 1, ranMs: 1 };
    expect(await expected({ follows })).toEqual([1, 0]);
  });

  it('is the one that was read ahead, unless it is of another lane', async () => {
    const next = aRow({ ...ORDERED });
    expect(await asked(aStart({ next }))).toMatchObject({ next });
    const other = aRow({ ...ORDERED, lane: 7 });
    expect(await asked(aStart({ next: other }))).not.toHaveProperty('next');
  });
});
