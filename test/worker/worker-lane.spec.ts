import { describe, expect, it } from '@jest/globals';
import { Permits } from '../../lib/runtime/permits.js';
import { aLane, aRun } from '../support/runs.js';

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
