import { describe, expect, it } from '@jest/globals';
import { aFleetLimit } from '../support/runs.js';

describe('permits of a limit with a rate', () => {
  it('are looked at when half of many drawn starts are used, and when nothing runs any more: not at the end of each job', () => {
    let looks = 0;
    const permits = aFleetLimit({ rate: 1_000_000, perMs: 1_000, burst: 1_000_000 }, () => looks++);
    const now = performance.now();
    permits.drew({ drawn: 1_000, waiting: 1, firstMs: -1_000, stepMs: 0.001, heldMs: 0, fullAt: 'full' }, now, now); // prettier-ignore
    const run = (jobs: number): void => {
      for (let n = 0; n < jobs; n++) {
        permits.take();
        permits.giveBack();
      }
    };

    permits.take();
    run(400);
    expect(looks).toBe(0);
    run(98);
    permits.take();
    expect(looks).toBe(1);
    permits.giveBack();
    permits.giveBack();
    expect(looks).toBe(3);
  });
});
