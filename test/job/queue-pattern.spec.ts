import { describe, expect, it } from '@jest/globals';
import { checkQueuePattern, matches } from '../../lib/job/values/queue-pattern.js';

describe('a queue pattern', () => {
  it.each([
    ['mail', 'mail', true],
    ['mail', 'mail.bulk', false],
    ['mail.*', 'mail.bulk', true],
    ['mail.*', 'mail.', true],
    ['mail.*', 'mail', false],
    ['mail*', 'mail', true],
    ['*', 'anything', true],
  ])('%s takes %s: %s', (pattern, queue, taken) => {
    expect(matches(pattern, queue)).toBe(taken);
  });

  it.each(['mail', 'mail.*', 'mail*', '*', 'a:b/*'])('may be %s', (pattern) => {
    expect(checkQueuePattern(pattern)).toBe(pattern);
  });

  it.each(['', '.*', '**', 'mail.**', '*.mail', 'a*b', 'mail .*', 5, undefined, null])(
    'may not be %p',
    (pattern) => {
      expect(() => checkQueuePattern(pattern)).toThrow(
        expect.objectContaining({ code: 'INVALID_NAME' }),
      );
    },
  );
});
