import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { countPromises } from '../../lib/claim/shared-permits.js';
import type { WorkerLane } from '../../lib/claim/worker-lane.js';
import { Permits } from '../../lib/runtime/permits.js';
import { aLane, aRun } from '../support/runs.js';

describe('a lane beside one that holds all permits', () => {
  // How long permits are out is asked of the clock, which must not depend on the machine.
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** All permits are out on work of a lane whose measured rate is high. */
  function beside(process: Permits) {
    const busy = aLane({ id: 2, permits: [process, new Permits(100)] });
    for (let n = 0; n < 50; n++) busy.add(aRun({}, { lane: busy }));
    for (let n = 0; n < 5; n++) busy.start();
    busy.ended(performance.now() + 5);
    while (busy.canStart) busy.start();
    return aLane({ permits: [process, new Permits(10)] });
  }

  it('asks for one job, to be there when the next permit comes free: no claim would see that one', () => {
    const lane = beside(new Permits(10));
    expect(lane.wanted).toBe(1);
    expect(lane.isHungry).toBe(false);
    lane.ask(1);
    expect(lane.wanted).toBe(0);
    lane.answered(1, { short: false, nextLookAt: 0 });
    lane.add(aRun({}, { lane }));
    expect(lane.wanted).toBe(0);
  });

  it('asks for nothing where permits are long out: the next one that comes free will be seen', () => {
    const process = new Permits(1);
    const slow = aLane({ id: 2, permits: [process] });
    slow.add(aRun({}, { lane: slow }));
    slow.start();

    expect(aLane({ permits: [process] }).wanted).toBe(0);
  });
});

describe('a lane whose jobs are slow', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** Its next job, claimed while nothing runs, has run for 20 ms. */
  function turn(lane: WorkerLane): void {
    lane.ask(1);
    lane.answered(1, { short: false, nextLookAt: 0 });
    lane.add(aRun({}, { lane }));
    lane.start();
    lane.ended(performance.now() + 21);
  }

  it('claims nothing ahead, however often a claim finds it idle: its rate is measured', () => {
    const lane = aLane({ limit: 1 });
    const ahead: number[] = [];
    for (let n = 0; n < 5; n++) {
      turn(lane);
      lane.ask(1);
      lane.answered(1, { short: false, nextLookAt: 0 });
      ahead.push(lane.ahead);
    }
    expect(ahead).toEqual([0, 0, 0, 0, 0]);
  });

  it('takes no place in line from others with what it claimed while they were quick, and gives it back', () => {
    const lane = aLane({ limit: 1 });
    turn(lane);
    for (let n = 0; n < 100; n++) lane.add(aRun({}, { lane }));
    lane.start();
    expect([lane.held, lane.slack]).toEqual([99, 0]);

    const surplus = lane.giveBackStale(performance.now(), 1_000);
    expect(surplus.length).toBeGreaterThan(40);
    expect(lane.held + surplus.length).toBe(99);
    expect(lane.giveBackStale(performance.now(), 1_000)).toEqual([]);
  });
});

describe('lanes that share the limit of their queue', () => {
  const named = (id: number, queue: Permits) => aLane({ id, permits: [new Permits(100), queue] });

  it('have a place each behind what is claimed and quick, or each claim would bring jobs of one of them', () => {
    const queue = new Permits(2);
    const lanes = [1, 2, 3, 4].map((id) => named(id, queue));
    const asked = (): number[] => {
      countPromises(lanes);
      return lanes.map((lane) => {
        const { wanted } = lane;
        lane.ask(wanted);
        lane.promise();
        return wanted;
      });
    };
    for (const lane of lanes) lane.answered(0, { short: false, nextLookAt: 0 });
    const before = asked();
    lanes[0]!.answered(2, { short: false, nextLookAt: 0 });
    for (let n = 0; n < 40; n++) lanes[0]!.add(aRun({}, { lane: lanes[0]! }));
    while (lanes[0]!.canStart) {
      lanes[0]!.start();
      lanes[0]!.ended(performance.now() + 1);
    }

    expect(before).toEqual([2, 0, 0, 0]);
    expect(asked().slice(1)).toEqual([1, 1, 1]);
  });

  it('ask for no more than it together, but for those that are most likely empty', () => {
    const queue = new Permits(2);
    const [one, other, idle] = [named(1, queue), named(2, queue), named(3, queue)];
    for (const lane of [one, other]) lane.answered(0, { short: false, nextLookAt: 0 });
    const wanted = () => (countPromises([one, other, idle]), [one, other, idle].map((lane) => lane.wanted)); // prettier-ignore
    const asked = [wanted()];
    idle.ask(2);
    asked.push(wanted());
    one.ask(2);
    asked.push(wanted());
    for (let n = 0; n < 2; n++) one.add(aRun({}, { lane: one }));
    one.answered(2, { short: false, nextLookAt: 0 });
    asked.push(wanted());
    one.start();
    one.giveBack();
    asked.push(wanted());

    expect(asked).toEqual([
      [2, 2, 2],
      [2, 2, 0],
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 0],
    ]);
  });
});

describe('a lane with a concurrency range', () => {
  it('asks for nothing until fewer than its minimum run, then up to its maximum', () => {
    const lane = aLane({ permits: [new Permits(100), new Permits(6, 3)] });
    const asked = [lane.wanted];
    for (let n = 0; n < 6; n++) lane.add(aRun({}, { lane }));
    asked.push(lane.wanted);
    while (lane.canStart) lane.start();
    for (let running = 5; running >= 0; running--) {
      lane.ended(performance.now());
      asked.push(lane.wanted);
    }

    //                       none, full, then 5, 4, 3, 2, 1, 0 run
    expect(asked).toEqual([6, 0, 0, 0, 0, 4, 5, 6]);
  });

  it('counts what is on its way: two claims side by side do not both fill it', () => {
    const lane = aLane({ permits: [new Permits(6, 3)] });

    lane.ask(lane.wanted);

    expect(lane.wanted).toBe(0);
  });

  it('holds nothing ahead of what may run', () => {
    const lane = aLane({ permits: [new Permits(2, 1)] });
    lane.add(aRun({}, { lane }));
    lane.start();

    expect(lane.wanted).toBe(0);
  });
});

describe('a lane whose ordered jobs follow each other', () => {
  it('lets them for a moment, and for longer where nothing else is known to wait', () => {
    const lane = aLane({});
    expect(lane.followMs).toBe(200);
    lane.expectNews();
    expect(lane.followMs).toBe(20);
    lane.ask(1);
    lane.answered(1, { short: true, nextLookAt: 0 });
    expect(lane.followMs).toBe(200);
    lane.ask(1);
    lane.answered(1, { short: false, nextLookAt: 0 });
    expect(lane.followMs).toBe(20);
  });

  it('lets none while its queue is paused, or its claims go by a range', () => {
    const [paused, ranged] = [aLane({}), aLane({ permits: [new Permits(10, 5)] })];
    paused.isPaused = true;
    expect([paused.followMs, ranged.followMs]).toEqual([0, 0]);
  });
});
