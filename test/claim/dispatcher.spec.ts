import { describe, expect, it } from '@jest/globals';
import { Permits } from '../../lib/runtime/permits.js';
import { Dispatcher } from '../../lib/claim/dispatcher.js';
import type { JobRun } from '../../lib/run/job-run.js';
import type { LaneRun, WorkerLane } from '../../lib/claim/worker-lane.js';
import { eventually } from '../support/eventually.js';
import { aGate, never } from '../support/gate.js';
import { aFleetLimit, aLane, aRun } from '../support/runs.js';

function aDispatcher(lanes: WorkerLane[], execute: (run: JobRun) => Promise<void>) {
  const rooms: number[] = [];
  const dispatcher: Dispatcher = new Dispatcher(
    () => lanes,
    (call) => execute(call as JobRun),
    () => rooms.push(dispatcher.size),
  );
  return { dispatcher, rooms };
}

const fill = (lane: WorkerLane, count: number): void => {
  for (let n = 0; n < count; n++) lane.add(aRun({}, { lane }));
};

const settled = async (run: JobRun): Promise<void> => void (run.settled = true);

describe('the dispatcher', () => {
  it('starts as many as every tier of permits allows, and the next when one ends', async () => {
    const process = new Permits(3);
    const lanes = [
      aLane({ permits: [process, new Permits(2)] }),
      aLane({ id: 2, permits: [process, new Permits(9)] }),
    ];
    let most = 0;
    let ran = 0;
    const { dispatcher } = aDispatcher(lanes, async (run) => {
      most = Math.max(most, dispatcher.size);
      await Promise.resolve();
      ran++;
      await settled(run);
    });
    for (const lane of lanes) fill(lane, 20);

    dispatcher.startAll();
    await dispatcher.whenIdle(1_000);
    await eventually(() => ran === 40);

    expect(most).toBe(3);
    expect(process.used).toBeLessThanOrEqual(3);
  });

  it('knows both runs of a job whose timed-out handler goes on beside its next run', async () => {
    const lane = aLane();
    const first = aRun({}, { lane });
    const second = aRun({ id: first.id, epoch: 1 }, { lane });
    const gate = aGate();
    const { dispatcher } = aDispatcher([lane], (run) => (run === first ? gate.passed : never()));
    lane.add(first);
    lane.add(second);
    dispatcher.startAll();

    gate.open();
    await gate.passed;
    await new Promise(setImmediate);

    expect(dispatcher.runs()).toEqual([second]);
  });

  it('starts nothing while it is halted, and everything that may run when it goes on', () => {
    const lane = aLane({ limit: 5 });
    const { dispatcher } = aDispatcher([lane], never);
    fill(lane, 7);

    dispatcher.halt();
    dispatcher.startAll();
    expect(dispatcher.size).toBe(0);
    dispatcher.resume();

    expect(dispatcher.size).toBe(5);
  });

  describe('lets permits go round', () => {
    /** Runs of these lanes that end when they are told; `order` says of which lane each one was. */
    function ending(lanes: WorkerLane[]) {
      const order: number[] = [];
      const ends: (() => void)[] = [];
      const { dispatcher } = aDispatcher(lanes, (run) => {
        order.push(run.lane.id);
        return new Promise((resolve) => ends.push(resolve));
      });
      const end = async (): Promise<void> => {
        ends.shift()!();
        await new Promise(setImmediate);
      };
      return { dispatcher, order, end };
    }

    const tiers: [string, (id: number) => Permits[]][] = (() => {
      const [process, queue, handler] = [new Permits(1), new Permits(1), new Permits(1)];
      return [
        ['the process', () => [process, new Permits(9)]],
        ['a queue or its handler', () => [new Permits(9), queue]],
        [
          'open transactions',
          (id) => [new Permits(9), new Permits(9), handler, ...(id > 2 ? [new Permits(9)] : [])],
        ],
      ];
    })();

    it.each(tiers)(
      'of %s: a backlog delays what comes later by one job of each lane before it',
      async (_, permits) => {
        const lanes = [1, 2, 3].map((id) => aLane({ id, permits: permits(id) }));
        const { dispatcher, order, end } = ending(lanes);
        fill(lanes[0]!, 20);
        dispatcher.startAll();
        await end();
        fill(lanes[1]!, 20);
        dispatcher.startAll();
        await end();
        fill(lanes[2]!, 2);
        dispatcher.startAll();
        for (let n = 0; n < 9; n++) await end();

        expect(order.slice(0, 9)).toEqual([1, 1, 1, 2, 1, 3, 2, 1, 3]);
      },
    );

    it('also between two limits of which one job gives back both', async () => {
      const [queue, transactions] = [new Permits(1), new Permits(1)];
      const lanes = [
        aLane({ id: 1, permits: [queue, transactions] }),
        aLane({ id: 2, permits: [queue] }),
        aLane({ id: 3, permits: [new Permits(9), transactions] }),
      ];
      const { dispatcher, order, end } = ending(lanes);
      fill(lanes[0]!, 1);
      dispatcher.startAll();
      for (const lane of lanes.slice(1)) fill(lane, 1);
      dispatcher.startAll();
      await end();
      expect(order).toEqual([1, 2, 3]);
    });

    it('the most urgent first among the names of a queue', async () => {
      const queue = new Permits(1);
      const lanes = [1, 2, 3].map((id) => aLane({ id, permits: [queue] }));
      const { dispatcher, order, end } = ending(lanes);
      fill(lanes[0]!, 5);
      dispatcher.startAll();
      fill(lanes[1]!, 5);
      for (let n = 0; n < 3; n++) lanes[2]!.add(aRun({ priority: -5 }, { lane: lanes[2]! }));
      dispatcher.startAll();
      for (let n = 0; n < 7; n++) await end();

      expect(order.slice(0, 4)).toEqual([1, 3, 3, 3]);
      expect(new Set(order.slice(4, 6))).toEqual(new Set([1, 2]));
    });
  });

  it('counts a run that was settled as idle, though its handler goes on', async () => {
    const lane = aLane();
    const { dispatcher } = aDispatcher([lane], async (run) => {
      run.settled = true;
      dispatcher.notice();
      return never();
    });
    fill(lane, 1);
    dispatcher.startAll();

    expect(await dispatcher.whenIdle(1_000)).toBe(true);
    expect(dispatcher.size).toBe(1);
  });

  it('says that it is not idle after the time that it was given', async () => {
    const lane = aLane();
    const { dispatcher } = aDispatcher([lane], never);
    fill(lane, 1);
    dispatcher.startAll();

    expect(await dispatcher.whenIdle(1)).toBe(false);
  });

  it('tells when a permit came free', async () => {
    const lane = aLane();
    const { dispatcher, rooms } = aDispatcher([lane], settled);
    fill(lane, 1);

    dispatcher.startAll();
    await new Promise(setImmediate);

    expect(rooms).toEqual([0]);
  });

  it('counts a lone run by the limits that the lane obeys when it ends, whenever these came or went', async () => {
    const lane = aLane();
    const [before, after] = [aFleetLimit({ concurrency: 1 }), aFleetLimit({ concurrency: 1 })];
    lane.bind([before]);
    const gate = aGate();
    const { dispatcher } = aDispatcher([lane], () => gate.passed);
    dispatcher.runAlone(aRun({}, { lane }) as LaneRun);
    lane.bind([after]);
    expect([before.used, after.used]).toEqual([0, 1]);

    gate.open();
    await eventually(() => dispatcher.size === 0);
    expect([before.used, after.used]).toEqual([0, 0]);
    lane.bind([before]);
    expect([before.used, after.used]).toEqual([0, 0]);
  });
});
