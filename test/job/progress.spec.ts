import { describe, expect, it } from '@jest/globals';
import { checkedProgress, jobProgress, shownProgress } from '../../lib/job/progress.js';

const AT = '2026-11-28T22:10:22.123456+00:00';
const shown = (given: Parameters<typeof checkedProgress>[0]) =>
  shownProgress(jobProgress({ ...checkedProgress(given), attempt: 1, at: AT }));

describe('progress', () => {
  it.each([
    [0, '0 %'],
    [-0, '0 %'],
    [0.29, '29 %'],
    [0.999, '99 %'],
    [1, '100 %'],
    [{ done: 400, of: 1_000, note: 'page 4' }, '40 % (400 of 1000): page 4'],
    [{ done: 0, of: 0 }, '100 % (0 of 0)'],
    [{ done: 12 }, '12'],
    [{ done: 12, of: undefined, note: undefined }, '12'],
    [{ done: 0.5, of: 1, note: '' }, '50 %'],
  ])('%j is shown as %s', (given, text) => expect(shown(given as never)).toBe(text));

  it.each([
    ...[NaN, Infinity, -0.1, 1.1, 2, 2 ** 60].map((given) => [given]),
    ...['0.4', 1n, null, undefined, true, [], Symbol('x'), () => 1].map((given) => [given]),
    [{}],
    [{ note: 'n' }],
    [{ done: 2, of: 1 }],
    [{ done: 1, of: NaN }],
    [{ done: 1, of: Infinity }],
    [{ done: 1, of: null }],
    [{ done: 1, of: '2' }],
    [{ done: 1, note: 7 }],
    [{ done: 1, total: 2 }],
  ] as unknown[][])('%p is refused', (given: unknown) => {
    const refused = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/^progress: .{1,200}\.$/),
    });
    expect(() => checkedProgress(given as never)).toThrow(refused);
  });

  it.each([
    [{ done: 7, of: 2 }, 1],
    [{ done: -7, of: 2 }, 0],
    [{ done: 0, of: 0 }, 1],
    [{ done: 7 }, undefined],
  ])('whose row says %j has the share %s', (stored, share) =>
    expect(jobProgress({ ...stored, attempt: 1, at: AT }).share).toBe(share),
  );

  it.each([
    ['a'.repeat(201), `${'a'.repeat(197)}...`],
    ['\u{1f600}'.repeat(500), `${'\u{1f600}'.repeat(98)}\ufffd...`],
    ['a\0b\ud800', 'a\ufffdb\ufffd'],
  ])('a note is cut, and what no text can hold is replaced', (note, stored) =>
    expect(checkedProgress({ done: 1, note }).note).toBe(stored),
  );
});
