import { describe, expect, it } from '@jest/globals';
import { Cursor, LOOK_BACKS, type Look } from '../../lib/claim/cursor.js';
import { aRow } from '../support/runs.js';

const EVERYWHERE = LOOK_BACKS.length - 1;
const at = (second: number, id = '00000000-0000-0000-0000-00000000000a') => ({
  runAt: `2026-11-21 03:00:${String(second).padStart(2, '0')}.000000+00`,
  id,
});

type Some = { priority?: number; second: number };
const rowsOf = (rows: Some[]) =>
  rows.map(({ priority = 0, second }) => aRow({ priority, ...at(second) }));
const full = (look: Look, ms = 0) => ({ look, short: false, ms });
const empty = (look: Look, ms = 0) => ({ look, short: true, ms });

/** A cursor that has looked everywhere at time 0 and took these rows. */
function cursorAfter(rows: Some[]): Cursor {
  const cursor = new Cursor();
  cursor.took(rowsOf(rows), full(cursor.look(0)));
  return cursor;
}

/** What one look after another asks for, at these times. */
const rangesAt = (cursor: Cursor, ...times: number[]) =>
  times.map((now) => cursor.look(now).ranges).at(-1)!;

/** Drains jobs of one statement by claims of 500, two of them side by side: how many entries of the index they pass. */
function walkedBy(cursor: Cursor, jobs: number): { claims: number; walked: number } {
  const rows = Array.from({ length: jobs }, (_, n) =>
    aRow(at(20, `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`)),
  );
  const total = { claims: 0, walked: 0 };
  let now = 20_000;
  let next = 0;
  const leave = () => {
    const look = cursor.look((now += 10));
    const { runAt, id } = look.ranges.at(-1)!;
    const from =
      runAt > at(20).runAt ? jobs : runAt < at(20).runAt ? 0 : rows.findIndex((row) => row.id > id);
    const own = from < 0 || from > next ? [] : rows.slice(next, next + 500);
    next += own.length;
    total.claims += own.length > 0 ? 1 : 0;
    total.walked += own.length > 0 ? next - from : 0;
    return { look, own };
  };
  const flying = [leave(), leave()];
  while (flying.some(({ own }) => own.length > 0)) {
    // They come back in turns: now the first of two, now the second.
    if (total.claims % 3 === 0) flying.reverse();
    const { look, own } = flying.shift()!;
    cursor.took(own, own.length > 0 ? full(look) : empty(look));
    flying.push(leave());
  }
  expect(next).toBe(jobs);
  return total;
}

describe('cursor', () => {
  it('look everywhere first', () => {
    const { step, ranges } = new Cursor().look(0);
    expect(step).toBe(EVERYWHERE);
    expect(ranges).toMatchObject([{ priority: -32_768, runAt: '-infinity', upto: 32_767 }]);
  });

  it('start behind the last key taken, and cover every priority from there on', () => {
    const ranges = rangesAt(cursorAfter([{ second: 1 }, { second: 3 }, { second: 2 }]), 1);
    expect(ranges).toEqual([{ priority: 0, ...at(3), upto: 32_767 }]);
  });

  it('have one key a priority, and leave no gap between two of them', () => {
    const ranges = rangesAt(cursorAfter([{ priority: 5, second: 9 }, { priority: -1, second: 1 }, { second: 4 }]), 1); // prettier-ignore
    expect(ranges.map(({ priority, upto }) => [priority, upto])).toEqual([
      [-1, -1],
      [0, 4],
      [5, 32_767],
    ]);
  });

  it('never move back: what is put back or comes late does not widen the walk', () => {
    const cursor = cursorAfter([{ second: 5 }]);
    cursor.took([aRow(at(2))], full(cursor.look(1)));
    cursor.took([aRow(at(5, '00000000-0000-0000-0000-000000000001'))], full(cursor.look(1)));
    expect(rangesAt(cursor, 1)).toMatchObject([at(5)]);
  });

  it('look back while busy: a second each 50 ms, half a minute each second, everywhere each 15 s', () => {
    const cursor = cursorAfter([{ second: 45 }]);
    const looked: number[] = [];
    for (let now = 0; now <= 15_000; now += 10) {
      const look = cursor.look(now);
      cursor.took([aRow(at(45))], full(look));
      looked[look.step] = (looked[look.step] ?? 0) + 1;
    }
    expect(looked[1]).toBeGreaterThan(250);
    expect(looked[2]).toBeGreaterThanOrEqual(9);
    expect(looked[3]).toBeGreaterThanOrEqual(4);
    expect(looked[EVERYWHERE]).toBe(1);
  });

  it('look back by what the step says', () => {
    const { step, ranges } = cursorAfter([{ second: 45 }]).look(1_100);
    expect(step).toBe(2);
    expect(ranges).toMatchObject([
      {},
      { runAt: '2026-11-21 03:00:15.000+00', id: '00000000-0000-0000-0000-000000000000' },
    ]);
  });

  it('are not moved by times that are none, and look back from them without an error', () => {
    const cursor = cursorAfter([{ second: 5 }]);
    for (const runAt of [
      'infinity',
      '-infinity',
      '294276-12-31 23:59:59.999999+00',
      '100000-01-01 00:00:00+00',
    ])
      cursor.took([aRow({ runAt, id: at(9).id })], full(cursor.look(1)));
    expect(rangesAt(cursor, 1)).toMatchObject([at(5)]);
    const before = new Cursor();
    before.took([aRow({ runAt: '0044-03-15 00:00:00+00 BC', id: at(9).id })], full(before.look(0)));
    expect(rangesAt(before, 60)).toMatchObject([{ runAt: '-infinity' }]);
  });

  it('look everywhere whenever a claim came back short', () => {
    const cursor = cursorAfter([{ second: 1 }]);
    cursor.took([], empty(cursor.look(1)));
    expect(cursor.look(1).step).toBe(EVERYWHERE);
  });

  it('let looking back cost 5 % of the time, no more', () => {
    const cursor = cursorAfter([{ second: 1 }]);
    cursor.took([], empty(cursor.look(15_000), 90));
    expect(cursor.look(15_000 + 90 * 20 - 1).step).not.toBe(EVERYWHERE);
    expect(cursor.look(15_000 + 90 * 20).step).toBe(EVERYWHERE);
  });

  it('look above the most urgent priority they know within a second, and at once after a wake-up', () => {
    const cursor = cursorAfter([{ second: 1 }]);
    expect(rangesAt(cursor, 60)[0]).toMatchObject({ priority: 0 });
    expect(rangesAt(cursor, 1_100)[0]).toMatchObject({ priority: -32_768, upto: -1 });
    cursor.expectNews();
    expect(rangesAt(cursor, 1_200)[0]).toMatchObject({ priority: -32_768, upto: -1 });
  });

  it('look far enough back at once after the wake-up of a late commit, once, and do not rest before', () => {
    const cursor = cursorAfter([{ second: 45 }]);
    cursor.took([], full(cursor.look(20_000), 10));
    cursor.expectNews();
    expect(cursor.isBehind).toBe(false);
    cursor.expectNews(100);
    expect(cursor.isBehind).toBe(true);
    cursor.expectNews(20_000);
    expect(cursor.look(20_001).step).toBe(2);
    expect(cursor.isBehind).toBe(false);
    expect(cursor.look(20_002).step).toBe(0);
  });

  it('look back at once for a commit that was passed in a moment, unless they have stood still since', () => {
    const cursor = cursorAfter([{ second: 45 }]);
    cursor.took([], full(cursor.look(20_000), 10));
    const now = performance.now();
    cursor.expectNews(5, now + 1_000);
    expect(cursor.look(20_001).step).toBe(0);
    cursor.expectNews(5, now);
    expect(cursor.isBehind).toBe(true);
    expect(cursor.look(20_002).step).toBe(1);
  });

  it.each([
    [100, 1],
    [800, 2],
    [20_000, 2],
    [60_000, 3],
    [600_000, EVERYWHERE],
  ])('look behind a commit that is %d ms late by step %d', (lateMs, step) => {
    const cursor = cursorAfter([{ second: 45 }]);
    cursor.took([], full(cursor.look(20_000)));
    cursor.expectNews(lateMs);
    expect(cursor.look(20_001).step).toBe(step);
  });

  it('let wake-ups of late commits cost 20 % of the time, no more', () => {
    const cursor = cursorAfter([{ second: 45 }]);
    cursor.took([], full(cursor.look(20_000), 10));
    for (const [now, step] of [
      [20_001, EVERYWHERE],
      [20_040, 0],
      [20_041, EVERYWHERE],
    ] as const) {
      cursor.expectNews(600_000);
      const look = cursor.look(now);
      expect(look.step).toBe(step);
      cursor.took([], full(look, 10));
    }
  });

  it('do not take for the cost of a look back what its jobs cost', () => {
    const jobs = Array.from({ length: 100 }, () => aRow(at(45)));
    const cursor = cursorAfter([{ second: 45 }]);
    for (const now of [1, 2, 3]) cursor.took(jobs, full(cursor.look(now), 20));
    for (const [now, ms] of [
      [60, 20],
      [110, 25],
      [209, 0],
      [210, 0],
    ] as const) {
      const look = cursor.look(now);
      expect(look.step).toBe(now === 209 ? 0 : 1);
      cursor.took(jobs, full(look, ms));
    }
  });

  it('stay correct with more priorities than they keep keys for', () => {
    const cursor = cursorAfter(
      Array.from({ length: 100 }, (_, priority) => ({ priority, second: 1 })),
    );
    const ranges = rangesAt(cursor, 1);
    expect(ranges.length).toBeLessThanOrEqual(32);
    expect(ranges[0]!.priority).toBe(0);
    ranges.forEach((range, index) =>
      expect(range.upto + 1).toBe(ranges[index + 1]?.priority ?? 32_768),
    );
  });

  describe('that found a backlog behind them', () => {
    it('go on from there, from claim to claim, and come back to the front when it is drained', () => {
      const cursor = cursorAfter([{ second: 40 }]);
      cursor.took(rowsOf([{ second: 20 }, { second: 21 }]), full(cursor.look(1_100)));
      expect(cursor.isBehind).toBe(true);
      const next = cursor.look(1_101);
      expect(next.ranges).toMatchObject([at(21)]);
      cursor.took(rowsOf([{ second: 22 }]), full(next));
      const last = cursor.look(1_102);
      expect(last.ranges).toMatchObject([at(22)]);
      cursor.took([], empty(last));

      expect(cursor.isBehind).toBe(false);
      const whole = cursor.look(1_103);
      cursor.took([], empty(whole, 90));
      expect(whole.step).toBe(EVERYWHERE);
      expect(rangesAt(cursor, 1_104)).toMatchObject([at(40)]);
    });

    it('are not misled by a claim in front that left before', () => {
      const cursor = cursorAfter([{ second: 40 }]);
      const [back, before] = [cursor.look(1_100), cursor.look(1_100)];
      cursor.took(rowsOf([{ second: 20 }]), full(back));
      cursor.took([], empty(before));
      expect(cursor.isBehind).toBe(true);
      expect(rangesAt(cursor, 1_101)).toMatchObject([at(20)]);
    });

    it('are done where a claim has come to the front, however full it was', () => {
      const cursor = cursorAfter([{ second: 40 }]);
      cursor.took(rowsOf([{ second: 20 }, { second: 41 }]), full(cursor.look(1_100)));
      expect(cursor.isBehind).toBe(false);
    });

    it('look as far back in the priorities that the look has not come to', () => {
      const cursor = cursorAfter([{ priority: 1, second: 40 }, { priority: 5, second: 45 }, { priority: 9, second: 46 }]); // prettier-ignore
      cursor.took(rowsOf([{ priority: 5, second: 20 }]), full(cursor.look(1_100)));
      expect(rangesAt(cursor, 1_101)).toMatchObject([
        { priority: 1, ...at(40), upto: 4 },
        { priority: 5, ...at(20), upto: 8 },
        { priority: 9, runAt: '2026-11-21 03:00:16.000+00' },
      ]);
    });

    it('walk what lies behind them once for each look, however many jobs came late', () => {
      const cursor = cursorAfter([{ second: 59 }]);
      const starts: string[] = [];
      let look = cursor.look(1_100);
      for (let second = 30; second < 59; second++) {
        cursor.took(rowsOf([{ second }]), full(look));
        look = cursor.look(1_101);
        starts.push(look.ranges[0]!.runAt);
      }
      expect(starts).toEqual(starts.toSorted());
      expect(new Set(starts).size).toBe(starts.length);
    });

    it.each([
      ['in their order', [21, 22]],
      ['the other way round', [22, 21]],
    ])('are moved by each of two claims side by side that come back %s', (_, seconds) => {
      const cursor = cursorAfter([{ second: 40 }]);
      cursor.took(rowsOf([{ second: 20 }]), full(cursor.look(1_100)));
      const looks = seconds.map(() => cursor.look(1_101));
      seconds.forEach((second, index) => cursor.took(rowsOf([{ second }]), full(looks[index]!)));
      expect(rangesAt(cursor, 1_102)).toMatchObject([at(22)]);
    });

    it('go back to what a look has found farther back, whatever claims before it bring', () => {
      const cursor = cursorAfter([{ second: 40 }]);
      cursor.took(rowsOf([{ second: 39 }]), full(cursor.look(60)));
      const [before, far] = [cursor.look(61), cursor.look(1_200)];
      cursor.took(rowsOf([{ second: 12 }]), full(far));
      cursor.took([], empty(before));
      expect(rangesAt(cursor, 1_201)).toMatchObject([at(12)]);
    });

    it('are not moved forward by a look less far back that left before', () => {
      const cursor = cursorAfter([{ second: 40 }]);
      const [near, far] = [cursor.look(60), cursor.look(1_200)];
      cursor.took(rowsOf([{ second: 12 }]), full(far));
      cursor.took(rowsOf([{ second: 39 }]), full(near));
      expect(rangesAt(cursor, 1_201)).toMatchObject([at(12)]);
    });

    it('walk over no more of what is gone than without lateness', () => {
      const jobs = 20_000;
      const late = walkedBy(cursorAfter([{ second: 40 }]), jobs);
      const inTime = walkedBy(new Cursor(), jobs);
      expect(late.claims).toBe(inTime.claims);
      expect(late.walked).toBeLessThanOrEqual(inTime.walked);
      // Its own jobs, and what the claim beside it has taken meanwhile.
      expect(late.walked).toBeLessThan(1.7 * jobs);
    });

    it('look farther back as soon as that is due', () => {
      const cursor = cursorAfter([{ second: 40 }]);
      cursor.took(rowsOf([{ second: 39 }]), full(cursor.look(60)));
      const far = cursor.look(1_200);
      expect(far.ranges.at(-1)).toMatchObject({ runAt: '2026-11-21 03:00:10.000+00' });
      cursor.took(rowsOf([{ second: 12 }]), full(far));
      expect(rangesAt(cursor, 1_201)).toMatchObject([at(12)]);
    });

    it('drain it also where priorities are more than they keep keys for', () => {
      const priorities = Array.from({ length: 40 }, (_, priority) => priority);
      const cursor = cursorAfter(priorities.map((priority) => ({ priority, second: 40 })));
      const left = priorities.flatMap((priority) => [{ priority, second: 20 }, { priority, second: 21 }]); // prettier-ignore
      for (let now = 15_000; left.length > 0; now++) {
        const look = cursor.look(now);
        const isAsked = ({ priority, second }: { priority: number; second: number }) =>
          look.ranges.some((range) => {
            const start = [range.priority, range.runAt].join(' ').padStart(40);
            return (
              priority <= range.upto && [priority, at(second).runAt].join(' ').padStart(40) > start
            );
          });
        const found = left.filter(isAsked).slice(0, 3);
        expect(found.length).toBeGreaterThan(0);
        found.forEach((row) => left.splice(left.indexOf(row), 1));
        cursor.took(rowsOf(found), full(look));
      }
    });
  });
});
