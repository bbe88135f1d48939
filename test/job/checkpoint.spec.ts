import { describe, expect, it } from '@jest/globals';
import { checkExtraAttempts, checkpointText } from '../../lib/job/values/checkpoint.js';

describe('a checkpoint', () => {
  it('is kept as JSON; undefined takes it away', () => {
    const kept = [{ page: 3 }, null, 'text', 0].map((state) => checkpointText(state, 100));
    expect(kept).toEqual(['{"page":3}', 'null', '"text"', '0']);
    expect(checkpointText(undefined, 100)).toBeNull();
  });

  it.each([
    ['a function', { done: () => undefined }, /checkpoint\.done is a function/],
    ['NaN', { at: [NaN] }, /checkpoint\.at\[0\] is NaN/],
    ['a BigInt', 5n, /checkpoint is a BigInt/],
    ['U+0000', 'a\0b', /The checkpoint has a text with U\+0000 .* Remove it\.$/],
  ])('with %s is refused, in words of its own', (_, state, message) => {
    const refusal = expect.objectContaining({
      code: 'INVALID_CHECKPOINT',
      message: expect.stringMatching(message),
    });
    expect(() => checkpointText(state, 100)).toThrow(refusal);
  });

  it('larger than its limit is refused, counted in bytes', () => {
    expect(checkpointText('\u20ac', 5)).toBe('"\u20ac"');
    expect(() => checkpointText('\u20ac\u20ac', 5)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_TOO_LARGE' }),
    );
  });

  it.each([-1, 1.5, 101, '2', null, NaN])('grants no %p attempts', (extraAttempts) => {
    expect(() => checkExtraAttempts(extraAttempts)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });

  it('grants none unless told to', () => {
    expect([checkExtraAttempts(), checkExtraAttempts(0), checkExtraAttempts(100)]).toEqual([
      0, 0, 100,
    ]);
  });
});
