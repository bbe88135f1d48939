import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
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
