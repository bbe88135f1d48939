import { describe, expect, it } from '@jest/globals';
import { Pace } from '../../lib/runtime/pace.js';

describe('the pace of statements', () => {
  it('has no bound until one ran out of time, then a quarter of what that one had, down to one', () => {
    const pace = new Pace(1_000);
    pace.took(500, 900);
    expect(pace.most).toBe(Infinity);
    const bounds = [100, 25, 6, 1].map((rows) => {
      pace.missed(rows);
      return pace.most;
    });
    expect(bounds).toEqual([25, 6, 1, 1]);
  });

  it('recovers by those that were full and quick, not by those that were slow, small or carried nothing', () => {
    const pace = new Pace(1_000);
    pace.missed(16);
    pace.took(4, 251);
    pace.took(3, 1);
    pace.missed(0);
    expect(pace.most).toBe(4);
    for (let round = 0; round < 10; round++) pace.took(1_000, 250);
    expect(pace.most).toBe(Infinity);
  });
});
