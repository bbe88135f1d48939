import { describe, expect, it, jest } from '@jest/globals';
import type { BatchOptions } from '../../lib/job/job-handler.js';
import { Permits } from '../../lib/runtime/permits.js';
import { BatchLane } from '../../lib/claim/batch-lane.js';
import { aLane, aRun } from '../support/runs.js';
import type { InMs } from '../../lib/job/values/duration.js';

const AN_HOUR = 3_600_000;

function aBatchLane(
  batch: InMs<BatchOptions>,
  { limit = 10, permits = [new Permits(limit)] } = {},
) {
  const lane = aLane();
  const { handler, settings } = lane;
  const dues: number[] = [];
  const batches: BatchLane = new BatchLane(lane, handler, settings, {
    permits,
    batch,
    onDue: () => dues.push(batches.buffered),
  });
  const fill = (count: number) =>
    Array.from({ length: count }, () => aRun({}, { lane: batches })).forEach((run) =>
      batches.add(run),
    );
  return { lane: batches, fill, dues, permits };
}

describe('a lane of batches', () => {
  it('asks for a full batch a permit, and counts what is here and on its way', () => {
    const { lane, fill } = aBatchLane({ size: 50, lingerMs: AN_HOUR }, { limit: 3 });
    const asked = [lane.wanted];
    fill(20);
    lane.ask(30);
    asked.push(lane.wanted);

    expect(asked).toEqual([150, 100]);
  });

  it('claims no room of the process before it has shown that it has jobs', () => {
    const { lane, fill } = aBatchLane({ size: 50, lingerMs: AN_HOUR }, { limit: 3 });
    const slack = [lane.slack];
    fill(20);
    slack.push(lane.slack);

    //                    3 permits have 49 jobs more than one each, 20 are here
    expect(slack).toEqual([0, 3 * 49 - 20]);
  });

  it('starts a full batch at once, and a batch that is not full only when its first job has waited', () => {
    jest.useFakeTimers();
    try {
      const { lane, fill, dues } = aBatchLane({ size: 3, lingerMs: 30 });
      fill(5);

      expect(lane.start().runs.length).toBe(3);
      jest.advanceTimersByTime(29);
      expect([lane.canStart, dues]).toEqual([false, []]);
      jest.advanceTimersByTime(1);

      expect([lane.canStart, dues]).toEqual([true, [2]]);
      expect(lane.start().runs.length).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('does not linger by default', () => {
    const { lane, fill } = aBatchLane({ size: 3 });
    fill(1);

    expect(lane.canStart).toBe(true);
  });

  it('takes one permit a batch', () => {
    const { lane, fill, permits } = aBatchLane({ size: 2 }, { limit: 2 });
    fill(6);

    const sizes = [];
    while (lane.canStart) sizes.push(lane.start().runs.length);

    expect(sizes).toEqual([2, 2]);
    expect(permits[0]!.used).toBe(2);
    lane.ended(performance.now());
    expect(lane.canStart).toBe(true);
  });

  it('gives back what lingers, and forgets what was cancelled', () => {
    const { lane, fill } = aBatchLane({ size: 10, lingerMs: AN_HOUR });
    const cancelled = aRun({}, { lane });
    lane.add(cancelled);
    fill(3);

    expect(lane.removeWaiting(cancelled.id)).toBe(cancelled);
    expect(lane.giveBack().length).toBe(3);
    expect(lane.canStart).toBe(false);
  });

  it('is not stale for lingering', () => {
    const { lane, fill } = aBatchLane({ size: 10, lingerMs: AN_HOUR });
    fill(1);

    expect(lane.isStale(performance.now() + 5_000, 1_000)).toBe(false);
    expect(lane.isStale(performance.now() + AN_HOUR + 5_000, 1_000)).toBe(true);
  });

  it('takes a lone suspect as a batch of one', () => {
    const { lane } = aBatchLane({ size: 10, lingerMs: AN_HOUR });
    const run = aRun({ suspicion: 2 }, { lane });

    expect(lane.alone(run).runs).toEqual([run]);
  });

  it('with a range asks for nothing until few enough calls are made', () => {
    const { lane, fill } = aBatchLane({ size: 10 }, { permits: [new Permits(4, 2)] });
    fill(25);
    while (lane.canStart) lane.start();
    const asked = [lane.wanted];
    for (let ended = 0; ended < 2; ended++) {
      lane.ended(performance.now());
      asked.push(lane.wanted);
    }

    expect(asked).toEqual([0, 0, 30]);
  });
});
