import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { isMadeHere, Uuid7 } from '../../lib/runtime/uuid7.js';

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const msOf = (id: string) => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

describe('ids', () => {
  it("are UUIDs of version 7 whose time is the clock's", () => {
    const id = new Uuid7(() => 1_700_000_000_123).next();
    expect(id).toMatch(FORM);
    expect(msOf(id)).toBe(1_700_000_000_123);
  });

  it("rise within one millisecond, also past the counter's end", () => {
    const ids = new Uuid7(() => 1_700_000_000_000);
    const made = Array.from({ length: 10_000 }, () => ids.next());
    expect(made).toEqual(made.toSorted());
    expect(new Set(made).size).toBe(10_000);
    expect(msOf(made.at(-1)!)).toBeLessThanOrEqual(1_700_000_000_003);
  });

  it('rise whatever the clock does: stands still, steps back, jumps ahead', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 44 }), { minLength: 1, maxLength: 200 }),
        (times) => {
          let at = 0;
          const ids = new Uuid7(() => times[Math.min(at++, times.length - 1)]!);
          const made = times.map(() => ids.next());
          expect(made.every((id) => FORM.test(id))).toBe(true);
          for (let n = 1; n < made.length; n++) expect(made[n]! > made[n - 1]!).toBe(true);
        },
      ),
    );
  });

  it('are told from those of others', () => {
    expect(isMadeHere(new Uuid7().next())).toBe(true);
    expect(isMadeHere('0198c5ce-7a55-7c04-8f25-0aa1b2c3d4e5')).toBe(false);
    expect(isMadeHere('0198c5ce-7a55-4c04-8f25-0aa1b2c3d451')).toBe(false);
  });

  it('of two makers differ in the same millisecond', () => {
    const [a, b] = [new Uuid7(() => 1), new Uuid7(() => 1)];
    const made = Array.from({ length: 1_000 }, () => [a.next(), b.next()]).flat();
    expect(new Set(made).size).toBe(2_000);
  });
});
