import { describe, expect, it } from '@jest/globals';
import { Claims } from '../../lib/settle/claims.js';
import type { Settling } from '../../lib/settle/settling.js';
import { Successes, type SuccessesParts } from '../../lib/settle/successes.js';
import { aRun } from '../support/runs.js';

describe('successes of jobs with permits of keys', () => {
  it('look for the next job of each key, of many keys in one of eight settles until they find some', async () => {
    const looked: boolean[] = [];
    let lanes: number[] = [];
    const groups = {
      settle: (_worker: string, _successes: unknown, { isKeyed }: { isKeyed: boolean }) => {
        looked.push(isKeyed);
        return Promise.resolve({ lanes, later: 0, vacant: 0, keys: true, lost: [], claimed: [] });
      },
    };
    const parts = { groups, claims: new Claims(), worker: 'w', onTurns: () => undefined };
    const successes = new Successes(parts as unknown as SuccessesParts);
    const settle = async (jobs: number, options = '{"limitKey":"a"}') => {
      const batch = Array.from({ length: jobs }, (): Settling => ({ run: aRun({ options }), outcome: { kind: 'succeeded', output: undefined } })); // prettier-ignore
      await successes.settle({ handsOn: true, isStep: false }, batch);
      return looked.pop();
    };
    const many = async (times: number) => {
      const each: (boolean | undefined)[] = [];
      for (let n = 0; n < times; n++) each.push(await settle(100));
      return each.filter(Boolean).length;
    };

    expect(await settle(100, '{"ordered":true}')).toBe(false);
    expect(await many(17)).toBe(3);
    expect([await settle(1), await settle(49)]).toEqual([true, true]);
    lanes = [1];
    expect(await settle(1)).toBe(true);
    expect(await many(8)).toBe(8);
  });
});
