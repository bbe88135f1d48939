import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Intake, type IntakeParts } from '../../lib/claim/intake.js';
import type { Line } from '../../lib/runtime/line.js';
import { Permits } from '../../lib/runtime/permits.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import type { Claimed, ClaimWish } from '../../lib/storage/claim/claim.repository.js';
import { Arrivals, type ArrivalsParts } from '../../lib/claim/arrivals.js';
import { Claims } from '../../lib/settle/claims.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { Poller, type PollerParts } from '../../lib/claim/poller.js';
import { RunReports } from '../../lib/observability/run-reports.js';
import type { WorkerLane } from '../../lib/claim/worker-lane.js';
import { aGate } from '../support/gate.js';
import { aFleetLimit, aLane, aRow } from '../support/runs.js';

const AN_HOUR = 3_600_000;
type Answer = (wish: ClaimWish) => Claimed | Promise<Claimed>;

/** A poller of these lanes; `answer` stands for the database. Starts nothing. */
function aPoller(lanes: WorkerLane[], { process = new Permits(100) } = {}) {
  const wishes: ClaimWish[] = [];
  const set = {
    lease: 'lease' as string | undefined,
    answer: (() => ({ jobs: [], lost: [] })) as Answer,
  };
  const settler = {
    hasNone: true,
    take: () => ({ settling: [], successes: [], claims: [] }),
    settled: () => undefined,
    failed: () => false,
  };
  const jobs = {
    settleAndClaim: async (
      _worker: string,
      _successes: unknown,
      _claims: unknown,
      wish: ClaimWish,
    ) => {
      wishes.push(wish);
      return set.answer(wish);
    },
  };
  const all = {
    all: () => lanes,
    held: () => lanes,
    get: (id: number) => lanes.find((lane) => lane.id === id),
    get room() {
      return lanes.reduce((room, lane) => room + lane.ahead - lane.buffered, process.free);
    },
  };
  const claims = new Claims();
  const dispatcher = { startAll: () => undefined };
  const arrivals = new Arrivals({ settler, dispatcher } as unknown as ArrivalsParts);
  const reports = new RunReports(new QueueEventBus());
  const parts = {
    reports,
    claimRepository: jobs,
    lanes: all,
    claims,
    settler,
    arrivals,
    dispatcher,
    ids: new Uuid7(),
    worker: 'test',
    pollIntervalMs: AN_HOUR,
  };
  const intake = new Intake({ ...parts, lease: () => set.lease } as unknown as IntakeParts);
  const poller = new Poller({
    ...parts,
    intake,
    release: () => Promise.resolve(),
  } as unknown as PollerParts);
  return { intake, arrivals, poller, wishes, claims, set, settler };
}

describe('the poller', () => {
  const askedOf = (wishes: ClaimWish[]) =>
    wishes.map(({ lanes }) => lanes.map(({ lane, wanted }) => [lane, wanted]));
  const oneOfEach = ({ lanes, limit }: ClaimWish): Claimed => ({
    jobs: lanes
      .flatMap(({ lane, wanted }) => Array.from({ length: wanted }, () => aRow({ lane })))
      .slice(0, limit),
    lost: [],
  });

  it('asks for what may run, within each tier', async () => {
    const process = new Permits(8);
    const lanes = [
      aLane({ permits: [process, new Permits(5)] }),
      aLane({ id: 2, permits: [process, new Permits(5)] }),
    ];
    const { intake, poller, wishes, set } = aPoller(lanes, { process });
    set.answer = oneOfEach;
    intake.resume();

    await poller.poll();
    lanes.forEach((lane) => lane.giveBack());
    await poller.poll();

    expect(askedOf(wishes)).toEqual([[[1, 5], [2, 5]], [[1, 5], [2, 3]]]); // prettier-ignore
    expect(wishes.map(({ limit }) => limit)).toEqual([8, 8]);
  });

  describe('over a line that is quick', () => {
    const KIB = 1_024;
    // How long a claim took is asked of the clock, which must not depend on the machine.
    beforeEach(() => void jest.spyOn(performance, 'now').mockReturnValue(60_000));
    afterEach(() => void jest.restoreAllMocks());

    /** What it asks for once it has claimed jobs of 32 KiB. */
    const asked = async (line: (known: Line) => void, fails = false) => {
      const lane = aLane({ permits: [new Permits(500)] });
      const { intake, arrivals, poller, wishes, set } = aPoller([lane], {
        process: new Permits(500),
      });
      line(arrivals.line);
      intake.resume();
      const payload = 'x'.repeat(32 * KIB);
      set.answer = () => {
        if (fails) throw new Error('late');
        return { jobs: Array.from({ length: 500 }, () => aRow({ lane: 1, payload })), lost: [] };
      };
      await poller.poll().catch(() => undefined);
      lane.giveBack();
      await poller.poll().catch(() => undefined);
      return wishes.map(({ limit, bytes }) => [limit, bytes! / KIB]);
    };
    const quick = (known: Line): void => known.took(1_024 * KIB, 10);

    it('lets heavy jobs come along, and asks for as many as have room', async () => {
      expect(await asked(quick)).toEqual([[500, 5_120], [320, 5_120]]); // prettier-ignore
    });

    it('does so no more when a claim fails', async () => {
      expect(await asked(quick, true)).toEqual([[500, 5_120], [500, 128]]); // prettier-ignore
    });

    it('and over one that is not known leaves them behind, however many they are', async () => {
      expect(await asked(() => undefined)).toEqual([[500, 128], [500, 128]]); // prettier-ignore
    });
  });

  it('lets room go round, however many idle lanes stand between those with a backlog', async () => {
    const process = new Permits(1);
    const lanes = Array.from({ length: 50 }, (_, n) => aLane({ id: n + 1, permits: [process] }));
    const { intake, poller, set } = aPoller(lanes, { process });
    const served: number[] = [];
    set.answer = (wish) => {
      const answer = oneOfEach({
        ...wish,
        lanes: wish.lanes.filter(({ lane }) => [7, 8, 30].includes(lane)),
      });
      served.push(...new Set(answer.jobs.map(({ lane }) => lane)));
      return answer;
    };
    intake.resume();

    for (let n = 0; n < 40; n++) {
      await poller.poll();
      // Now and then without room for anything.
      lanes.filter((lane) => lane.buffered > 0 && n % 3 > 0).forEach((lane) => lane.giveBack());
    }

    const counts = [7, 8, 30].map((id) => served.slice(-15).filter((lane) => lane === id).length);
    expect(counts).toEqual([5, 5, 5]);
  });

  it('does not rest a lane while more is behind its hints, whatever a claim in front has brought', async () => {
    const lane = aLane({ limit: 4 });
    const { intake, poller, wishes, set } = aPoller([lane]);
    let late = 100;
    set.answer = ({ lanes: [asked], limit }) => {
      const isFront = asked!.ranges.every(({ runAt }) => runAt > '2026-11-21 03:16:10.5');
      const found = isFront ? 0 : Math.min(limit, late);
      return {
        jobs: Array.from({ length: found }, () =>
          aRow({ runAt: `2026-11-21 03:16:10.${100 + late--}+00` }),
        ),
        lost: [],
      };
    };
    lane.cursor.took([aRow({ runAt: '2026-11-21 03:16:11+00' })], {
      look: lane.cursor.look(0),
      short: true,
      ms: 0,
    });
    intake.resume();

    for (let n = 0; n < 30; n++) {
      await poller.poll();
      lane.giveBack();
    }

    expect(late).toBe(0);
    expect(wishes.length).toBeLessThan(20);
  });

  it('asks all lanes that were empty in one statement, and no more jobs than there is room for', async () => {
    const process = new Permits(100);
    const lanes = Array.from({ length: 200 }, (_, n) =>
      aLane({ id: n + 1, permits: [process, new Permits(10)] }),
    );
    const { intake, poller, wishes } = aPoller(lanes, { process });
    intake.resume();

    const restMs = await poller.poll();

    expect(wishes.map(({ lanes: asked, limit }) => [asked.length, limit])).toEqual([[200, 100]]);
    expect(restMs).toBeGreaterThan(AN_HOUR * 0.8);
  });

  it('asks again at once where a full claim did not come to a lane', async () => {
    const process = new Permits(10);
    const lanes = [1, 2, 3].map((id) => aLane({ id, permits: [process, new Permits(10)] }));
    const { intake, poller, wishes, set } = aPoller(lanes, { process });
    set.answer = oneOfEach;
    intake.resume();
    await poller.poll();
    lanes.forEach((lane) => lane.giveBack());
    set.answer = () => ({ jobs: [], lost: [] });
    await poller.poll();

    const [first, second] = wishes.map(({ lanes: asked }) => asked.map(({ lane }) => lane));
    expect(first).toHaveLength(3);
    expect(second!.toSorted()).toEqual([1, 2, 3]);
  });

  it('claims twice as many each time while claims end before the next one', async () => {
    const lane = aLane({ limit: 10 });
    const { intake, poller, wishes, set } = aPoller([lane]);
    set.answer = oneOfEach;
    intake.resume();

    for (let n = 0; n < 5; n++) {
      await poller.poll();
      lane.giveBack();
    }

    expect(wishes.map(({ limit }) => limit)).toEqual([10, 10, 20, 30, 50]);
  });

  it('asks nothing, and rests for ever, while it is paused', async () => {
    const { poller, wishes } = aPoller([aLane()]);

    expect(await poller.poll()).toBe(Infinity);
    expect(wishes).toEqual([]);
  });

  it('asks an empty lane again only after the interval, or at once when there is news', async () => {
    const lane = aLane();
    const { intake, poller, wishes } = aPoller([lane]);
    intake.resume();

    const restMs = await poller.poll();
    await poller.poll();
    expect(wishes.length).toBe(1);
    expect(restMs).toBeGreaterThan(AN_HOUR * 0.8);
    lane.expectNews();
    await poller.poll();

    expect(wishes.length).toBe(2);
  });

  it('asks once more when the news came while it was asking', async () => {
    const lane = aLane();
    const { intake, poller, set } = aPoller([lane]);
    set.answer = () => (lane.expectNews(), { jobs: [], lost: [] });
    intake.resume();

    expect(await poller.poll()).toBe(0);
  });

  it('claims nothing without a lease, but settles', async () => {
    const { intake, poller, wishes, set, settler } = aPoller([aLane()]);
    intake.resume();
    set.lease = undefined;
    settler.hasNone = false;

    await poller.poll();

    expect(wishes).toMatchObject([{ lanes: [], limit: 0 }]);
  });

  it('forgets a claim whose answer was late, and asks again for fewer', async () => {
    const lane = aLane({ limit: 4 });
    const { intake, poller, wishes, claims, set } = aPoller([lane]);
    set.answer = () => Promise.reject(new DatabaseError('claim', new Error('Query read timeout')));
    intake.resume();

    await expect(poller.poll()).rejects.toThrow('timeout');
    expect(claims.ids()).toEqual([]);
    expect(lane.expected).toBe(0);
    set.answer = () => ({ jobs: [], lost: [] });
    await poller.poll();

    expect(wishes.map(({ limit }) => limit)).toEqual([4, 1]);
  });

  it('goes on failing where a round has nothing to ask while another one asks, until a claim is back', async () => {
    const gate = aGate();
    const { intake, poller, set } = aPoller([aLane({ limit: 1 })]);
    intake.resume();
    set.answer = () => Promise.reject(new Error('no'));
    await expect(poller.poll()).rejects.toThrow('no');
    set.answer = () => gate.passed.then(() => Promise.reject(new Error('too slow')));
    const failing = poller.poll();
    await poller.poll();
    expect(poller.failures.failed.rounds).toBe(1);
    gate.open();
    await expect(failing).rejects.toThrow('too slow');
    expect(poller.failures.failed).toMatchObject({ rounds: 2, error: { message: 'too slow' } });
    set.answer = () => ({ jobs: [], lost: [] });
    await poller.poll();
    expect(poller.failures.failed.rounds).toBe(0);
  });

  it('goes on failing where it has no lease to ask under, until no lane has room', async () => {
    const lane = aLane({ limit: 1 });
    const { intake, poller, set } = aPoller([lane]);
    intake.resume();
    set.answer = () => Promise.reject(new Error('no'));
    await expect(poller.poll()).rejects.toThrow('no');
    set.lease = undefined;
    await poller.poll();
    expect(poller.failures.failed.rounds).toBe(1);
    set.lease = 'another';
    lane.expected = 1;
    await poller.poll();
    expect(poller.failures.failed.rounds).toBe(1);
    lane.expected = 0;
    lane.permits[0]!.take();
    await poller.poll();
    expect(poller.failures).toMatchObject({ failed: { rounds: 0 }, silentMs: 0 });
  });

  it('does not ask twice for the same room while a claim is under way', async () => {
    const gate = aGate();
    const { intake, poller, wishes, set } = aPoller([aLane({ limit: 4 })]);
    set.answer = async () => (await gate.passed, { jobs: [], lost: [] });
    intake.resume();

    const first = poller.poll();
    await poller.poll();
    gate.open();
    await first;

    expect(wishes.map(({ limit }) => limit)).toEqual([4]);
  });

  it('leaves to a claim under way what it may bring of a limit that empty lanes share', async () => {
    const [gate, left] = [aGate(), aGate()];
    const lanes = [aLane(), aLane({ id: 2 })];
    const limit = aFleetLimit({ concurrency: 2 });
    for (const lane of lanes) lane.bind([limit]);
    limit.n = 2;
    const { intake, poller, wishes, set } = aPoller(lanes);
    intake.resume();
    await poller.poll();
    wishes.splice(0);
    set.answer = async () => (left.open(), await gate.passed, { jobs: [], lost: [] });

    lanes[0]!.expectNews();
    const first = poller.poll();
    await left.passed;
    lanes[1]!.expectNews();
    await poller.poll();
    expect(askedOf(wishes)).toEqual([[[1, 2]]]);
    gate.open();
    await first;
    await poller.poll();

    expect(askedOf(wishes)).toEqual([[[1, 2]], [[2, 2]]]);
  });
});
