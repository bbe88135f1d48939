import { describe, expect, it } from '@jest/globals';
import { Hints, LADDER } from '../../lib/worker/hints.js';
import { aRow } from '../support/runs.js';

const EVERYWHERE = LADDER.length - 1;
const TOOK = { rung: 0, short: false, ms: 1 };
const at = (second: number, id = '00000000-0000-0000-0000-00000000000a') => ({
  runAt: `2026-11-21 03:00:${String(second).padStart(2, '0')}.000000+00`,
  id,
});

/** Hints that have looked everywhere at time 0 and took these rows. */
function hintsAfter(rows: { priority?: number; second: number }[]): Hints {
  const hints = new Hints();
  hints.ranges(EVERYWHERE, 0);
  hints.took(
    rows.map(({ priority = 0, second }) => aRow({ priority, ...at(second) })),
    { ...TOOK, rung: EVERYWHERE, ms: 0 },
  );
  return hints;
}

describe('hints', () => {
  it('look everywhere first', () => {
    const hints = new Hints();
    expect(hints.rungAt(0)).toBe(EVERYWHERE);
    expect(hints.ranges(EVERYWHERE, 0)).toMatchObject([{ priority: -32_768, runAt: '-infinity', upto: 32_767 }]);
  });

  it('start behind the last key taken, and cover every priority from there on', () => {
    const ranges = hintsAfter([{ second: 1 }, { second: 3 }, { second: 2 }]).ranges(0, 1);
    expect(ranges).toEqual([{ priority: 0, ...at(3), upto: 32_767 }]);
  });

  it('have one key a priority, and leave no gap between two of them', () => {
    const ranges = hintsAfter([{ priority: 5, second: 9 }, { priority: -1, second: 1 }, { second: 4 }]).ranges(0, 1); // prettier-ignore
    expect(ranges.map(({ priority, upto }) => [priority, upto])).toEqual([
      [-1, -1],
      [0, 4],
      [5, 32_767],
    ]);
  });

  it('never move back: what is put back or comes late does not widen the walk', () => {
    const hints = hintsAfter([{ second: 5 }]);
    hints.took([aRow(at(2))], TOOK);
    hints.took([aRow(at(5, '00000000-0000-0000-0000-000000000001'))], TOOK);
    expect(hints.ranges(0, 1)).toMatchObject([at(5)]);
  });

  it('look back while busy: a second each 50 ms, half a minute each second, everywhere each 15 s', () => {
    const hints = hintsAfter([{ second: 45 }]);
    const looked: number[] = [];
    for (let now = 0; now <= 15_000; now += 10) {
      const rung = hints.rungAt(now);
      hints.ranges(rung, now);
      hints.took([aRow(at(45))], { rung, short: false, ms: 0 });
      looked[rung] = (looked[rung] ?? 0) + 1;
    }
    expect(looked[1]).toBeGreaterThan(250);
    expect(looked[2]).toBeGreaterThanOrEqual(9);
    expect(looked[3]).toBeGreaterThanOrEqual(4);
    expect(looked[EVERYWHERE]).toBe(1);
  });

  it('look back by what the rung says', () => {
    const hints = hintsAfter([{ second: 45 }]);
    expect(hints.ranges(2, 1)).toMatchObject([
      {},
      { runAt: '2026-11-21T03:00:15.000Z', id: '00000000-0000-0000-0000-000000000000' },
    ]);
  });

  it('are not moved by times that are none, and look back from them without an error', () => {
    const hints = hintsAfter([{ second: 5 }]);
    for (const runAt of ['infinity', '-infinity', '294276-12-31 23:59:59.999999+00', '100000-01-01 00:00:00+00'])
      hints.took([aRow({ runAt, id: at(9).id })], TOOK);
    expect(hints.ranges(0, 1)).toMatchObject([at(5)]);
    const before = new Hints();
    before.ranges(EVERYWHERE, 0);
    before.took([aRow({ runAt: '0044-03-15 00:00:00+00 BC', id: at(9).id })], TOOK);
    for (let rung = 0; rung < LADDER.length; rung++) expect(before.ranges(rung, 1)).not.toEqual([]);
  });

  it('look everywhere whenever a claim came back short', () => {
    const hints = hintsAfter([{ second: 1 }]);
    hints.took([], { rung: 0, short: true, ms: 1 });
    expect(hints.rungAt(1)).toBe(EVERYWHERE);
  });

  it('let looking back cost 5 % of the time, no more', () => {
    const hints = hintsAfter([{ second: 1 }]);
    hints.took([], { rung: EVERYWHERE, short: true, ms: 90 });
    expect(hints.rungAt(90 * 20 - 1)).not.toBe(EVERYWHERE);
    expect(hints.rungAt(90 * 20)).toBe(EVERYWHERE);
  });

  it('look above the most urgent priority they know within a second, and at once after a wake-up', () => {
    const hints = hintsAfter([{ second: 1 }]);
    expect(hints.ranges(1, 60)[0]).toMatchObject({ priority: 0 });
    expect(hints.ranges(2, 1_100)[0]).toMatchObject({ priority: -32_768, upto: -1 });
    hints.expectNews();
    expect(hints.ranges(1, 1_200)[0]).toMatchObject({ priority: -32_768, upto: -1 });
  });

  it('stay correct with more priorities than they keep keys for', () => {
    const hints = hintsAfter(Array.from({ length: 100 }, (_, priority) => ({ priority, second: 1 })));
    const ranges = hints.ranges(0, 1);
    expect(ranges.length).toBeLessThanOrEqual(32);
    expect(ranges[0]!.priority).toBe(0);
    ranges.forEach((range, index) => expect(range.upto + 1).toBe(ranges[index + 1]?.priority ?? 32_768));
  });
});
