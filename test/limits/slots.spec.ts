import { describe, expect, it } from '@jest/globals';
import { Slots } from '../../lib/limits/slots.js';

const DAY = 86_400_000;
const LATE_MS = 100;

/** Drawn at 0, and here at 10. */
function slotsOf(drawn: number, stepMs: number): Slots {
  const slots = new Slots(LATE_MS);
  slots.add({ drawn, stepMs, firstMs: 0, fullAt: 'full', waiting: 1, heldMs: 0 }, 0, 10);
  return slots;
}

describe('drawn starts', () => {
  it('that came too late for each job go back, or the next one would wait for its spacing', () => {
    const slots = slotsOf(1, DAY);

    expect(slots.lapseAt(20)).toBe(LATE_MS);
    expect(slots.takeLapsed(LATE_MS)).toBeUndefined();
    expect(slots.takeLapsed(LATE_MS + 1)).toEqual({ starts: 1, fullAt: 'full' });
    expect(slots.takeLapsed(LATE_MS + 2)).toBeUndefined();
  });

  it('go back as far as none behind them was used', () => {
    const slots = slotsOf(4, 10);
    slots.take(10);
    expect(slots.left(LATE_MS + 15)).toBe(2);
    slots.take(LATE_MS + 15);

    expect(slots.takeLapsed(LATE_MS + 100)).toEqual({ starts: 1, fullAt: 'full' });
  });

  it('that were all used leave nothing to give back', () => {
    const slots = slotsOf(1, DAY);
    slots.take(20);

    expect(slots.takeLapsed(LATE_MS + 1)).toBeUndefined();
    expect(slots.lapseAt(LATE_MS + 1)).toBe(Infinity);
  });

  it('of a burst are late as long after their draw as others', () => {
    const slots = new Slots(LATE_MS);
    slots.add({ drawn: 2, stepMs: 1, firstMs: -DAY, fullAt: 'full', waiting: 1, heldMs: 0 }, 0, 10);

    expect(slots.lapseAt(20)).toBe(LATE_MS);
  });

  it('are counted while they were lost lately', () => {
    const slots = slotsOf(2, 10);

    expect(slots.lapsed(50)).toBe(0);
    expect(slots.lapsed(LATE_MS + 50)).toBe(2);
    expect(slots.lapsed(10_000)).toBe(0);
  });
});
