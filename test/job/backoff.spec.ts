import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import {
  checkBackoff,
  constant,
  custom,
  delayAfter,
  exponential,
  linear,
  MAX_DELAY_MS,
  type Backoff,
  type StoredBackoff,
} from '../../lib/job/backoff.js';

const ms = fc.integer({ min: 0, max: MAX_DELAY_MS });
const attempts = fc.integer({ min: 1, max: 1_000 });
const stored: fc.Arbitrary<StoredBackoff> = fc.oneof(
  fc.record({ delayMs: ms }).map(constant),
  fc.record({ delayMs: ms, maxMs: ms }).map(linear),
  fc
    .record({
      baseMs: ms,
      factor: fc.double({ min: 1, max: 1_000, noNaN: true }),
      maxMs: ms,
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(exponential),
);
const anyBackoff: fc.Arbitrary<Backoff> = fc.oneof(
  stored,
  fc.anything().map((answer) => custom(() => answer as number)),
);

const rests = (backoff: Backoff, upTo: number): number[] =>
  Array.from({ length: upTo }, (_, index) =>
    delayAfter(backoff, index + 1, new Error('again'), () => 0),
  );

describe('constant', () => {
  it('rests the same after every failure', () => {
    expect(rests(constant({ delayMs: 700 }), 3)).toEqual([700, 700, 700]);
  });
});

it.each([
  [() => constant({ delay: 5 } as never), 'there is no "delay": constant takes delayMs'],
  [
    () => exponential({ baseMs: 5, factro: 3 } as never),
    'there is no "factro": exponential takes baseMs, factor, maxMs, jitter',
  ],
  [() => linear({ delayMs: 5, max: 9 } as never), 'there is no "max": linear takes delayMs, maxMs'],
  [() => constant(undefined as never), 'delayMs must be a number'],
])('%# refuses what it does not take, with what it does', (make, problem) => {
  expect(make).toThrow(problem);
});

describe('linear', () => {
  it('rests one step longer after each failure, up to its cap', () => {
    expect(rests(linear({ delayMs: 100, maxMs: 250 }), 4)).toEqual([100, 200, 250, 250]);
  });

  it('is capped at a year when it names no cap', () => {
    expect(delayAfter(linear({ delayMs: MAX_DELAY_MS }), 1_000, undefined)).toBe(MAX_DELAY_MS);
  });
});

describe('exponential', () => {
  it('multiplies by its factor, up to its cap', () => {
    expect(rests(exponential({ baseMs: 100, factor: 3, maxMs: 1_000, jitter: 0 }), 4)).toEqual([
      100, 300, 900, 1_000,
    ]);
  });

  it('doubles up to an hour when only its base is given', () => {
    expect(rests(exponential({ baseMs: 1_000 }), 30).at(-1)).toBe(3_600_000);
  });

  it('takes an option of undefined for one that was not given', () => {
    const backoff = exponential({
      baseMs: 1_000,
      factor: undefined,
      maxMs: undefined,
      jitter: undefined,
    });
    expect(rests(backoff, 2)).toEqual([1_000, 2_000]);
  });

  it('spreads downwards only, by its jitter', () => {
    const backoff = exponential({ baseMs: 1_000, jitter: 0.2 });
    expect([0, 0.5, 1].map((random) => delayAfter(backoff, 1, undefined, () => random))).toEqual([
      1_000, 900, 800,
    ]);
  });

  it('stays at nothing when its base is nothing', () => {
    expect(delayAfter(exponential({ baseMs: 0, factor: 1_000 }), 1_000, undefined)).toBe(0);
  });
});

describe('custom', () => {
  it('gets the attempt that failed and what it threw', () => {
    const thrown = new Error('busy');
    const seen: unknown[] = [];
    delayAfter(
      custom((...args) => seen.push(...args)),
      4,
      thrown,
    );
    expect(seen).toEqual([4, thrown]);
  });

  it.each<[string, unknown, number]>([
    ['nothing to wait', -Infinity, 0],
    ['less than nothing', -1, 0],
    ['for ever', Infinity, MAX_DELAY_MS],
    ['no number', NaN, 10_000],
    ['a text', '7', 10_000],
    ['a bigint', 7n, 10_000],
    ['nothing', undefined, 10_000],
    ['a promise', Promise.resolve(7), 10_000],
    ['a promise that fails', Promise.reject(new Error('late')), 10_000],
  ])('is bounded where its rule answers %s', (_, answer, rest) => {
    expect(delayAfter(custom(() => answer as number), 2, undefined)).toBe(rest); // prettier-ignore
  });

  it('falls back to 5 s a step when the rule throws', () => {
    const backoff = custom(() => {
      throw new Error('bad rule');
    });
    expect(delayAfter(backoff, 2, undefined)).toBe(10_000);
  });
});

describe('every backoff', () => {
  it('of a kind that only a newer version knows rests as by default', () => {
    expect(delayAfter({ type: 'cubic' } as unknown as Backoff, 2, undefined)).toBe(10_000);
  });

  it('rests between nothing and a year, whatever a rule answers', () => {
    fc.assert(
      fc.property(
        anyBackoff,
        attempts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (backoff, attempt, random) => {
          const delay = delayAfter(backoff, attempt, undefined, () => random);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(MAX_DELAY_MS);
        },
      ),
    );
  });

  it('never rests shorter after a later failure, jitter aside', () => {
    fc.assert(
      fc.property(stored, attempts, attempts, (backoff, one, other) => {
        const [earlier, later] = [one, other].sort((a, b) => a - b) as [number, number];
        const rest = (attempt: number): number => delayAfter(backoff, attempt, undefined, () => 0);
        expect(rest(earlier)).toBeLessThanOrEqual(rest(later));
      }),
    );
  });

  it('rests the same after it was stored and read', () => {
    fc.assert(
      fc.property(stored, attempts, (backoff, attempt) => {
        const read = JSON.parse(JSON.stringify(backoff)) as Backoff;
        expect(delayAfter(checkBackoff(read), attempt, undefined, () => 0)).toBe(
          delayAfter(backoff, attempt, undefined, () => 0),
        );
      }),
    );
  });
});

describe('checkBackoff', () => {
  it.each<[string, unknown]>([
    ['a missing one', undefined],
    ['null', null],
    ['a bare number', 500],
    ['an unknown type', { type: 'cubic' }],
    ['an inherited type', { type: '__proto__' }],
    ['a missing delay', { type: 'constant' }],
    ['a negative delay', { type: 'constant', delayMs: -1 }],
    ['NaN', { type: 'linear', delayMs: NaN }],
    ['Infinity', { type: 'linear', delayMs: Infinity }],
    ['more than a year', { type: 'constant', delayMs: MAX_DELAY_MS + 1 }],
    ['a numeric text', { type: 'constant', delayMs: '500' }],
    ['a shrinking factor', { type: 'exponential', baseMs: 1, factor: 0.5, maxMs: 10, jitter: 0 }],
    ['a jitter above one', { type: 'exponential', baseMs: 1, factor: 2, maxMs: 10, jitter: 1.5 }],
    [
      'an exponential one without its cap',
      { type: 'exponential', baseMs: 1, factor: 2, jitter: 0 },
    ],
    ['a custom one without a function', { type: 'custom', delay: 5 }],
  ])('refuses %s', (_, backoff) => {
    expect(() => checkBackoff(backoff as Backoff)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});
