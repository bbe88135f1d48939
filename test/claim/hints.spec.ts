import { describe, expect, it } from '@jest/globals';
import { Hints, LADDER, type Look } from '../../lib/claim/hints.js';
import { aRow } from '../support/runs.js';

const EVERYWHERE = LADDER.length - 1;
const at = (second: number, id = '00000000-0000-0000-0000-00000000000a') => ({
  runAt: `2026-11-21 03:00:${String(second).padStart(2, '0')}.000000+00`,
  id,
});

type Some = { priority?: number; second: number };
const rowsOf = (rows: Some[]) =>
  rows.map(({ priority = 0, second }) => aRow({ priority, ...at(second) }));
const full = (look: Look, ms = 0) => ({ look, short: false, ms });
const empty = (look: Look, ms = 0) => ({ look, short: true, ms });

/** Hints that have looked everywhere at time 0 and took these rows. */
function hintsAfter(rows: Some[]): Hints {
  const hints = new Hints();
  hints.took(rowsOf(rows), full(hints.look(0)));
  return hints;
}

/** What one look after another asks for, at these times. */
const rangesAt = (hints: Hints, ...times: number[]) =>
  times.map((now) => hints.look(now).ranges).at(-1)!;

/** Drains jobs of one statement by claims of 500, two of them side by side: how many entries of the index they pass. */
function walkedBy(hints: Hints, jobs: number): { claims: number; walked: number } {
  const rows = Array.from({ length: jobs }, (_, n) =>
    aRow(at(20, `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`)),
  );
  const total = { claims: 0, walked: 0 };
  let now = 20_000;
  let next = 0;
  const leave = () => {
    const look = hints.look((now += 10));
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
    hints.took(own, own.length > 0 ? full(look) : empty(look));
    flying.push(leave());
  }
  expect(next).toBe(jobs);
  return total;
}

describe('hints', () => {
  it('look everywhere first', () => {
    const { rung, ranges } = new Hints().look(0);
    expect(rung).toBe(EVERYWHERE);
    expect(ranges).toMatchObject([{ priority: -32_768, runAt: '-infinity', upto: 32_767 }]);
  });

  it('start behind the last key taken, and cover every priority from there on', () => {
    const ranges = rangesAt(hintsAfter([{ second: 1 }, { second: 3 }, { second: 2 }]), 1);
    expect(ranges).toEqual([{ priority: 0, ...at(3), upto: 32_767 }]);
  });

  it('have one key a priority, and leave no gap between two of them', () => {
    const ranges = rangesAt(hintsAfter([{ priority: 5, second: 9 }, { priority: -1, second: 1 }, { second: 4 }]), 1); // prettier-ignore
    expect(ranges.map(({ priority, upto }) => [priority, upto])).toEqual([
      [-1, -1],
      [0, 4],
      [5, 32_767],
    ]);
  });

  it('never move back: what is put back or comes late does not widen the walk', () => {
    const hints = hintsAfter([{ second: 5 }]);
    hints.took([aRow(at(2))], full(hints.look(1)));
    hints.took([aRow(at(5, '00000000-0000-0000-0000-000000000001'))], full(hints.look(1)));
    expect(rangesAt(hints, 1)).toMatchObject([at(5)]);
  });

  it('look back while busy: a second each 50 ms, half a minute each second, everywhere each 15 s', () => {
    const hints = hintsAfter([{ second: 45 }]);
    const looked: number[] = [];
    for (let now = 0; now <= 15_000; now += 10) {
      const look = hints.look(now);
      hints.took([aRow(at(45))], full(look));
      looked[look.rung] = (looked[look.rung] ?? 0) + 1;
    }
    expect(looked[1]).toBeGreaterThan(250);
    expect(looked[2]).toBeGreaterThanOrEqual(9);
    expect(looked[3]).toBeGreaterThanOrEqual(4);
    expect(looked[EVERYWHERE]).toBe(1);
  });

  it('look back by what the rung says', () => {
    const { rung, ranges } = hintsAfter([{ second: 45 }]).look(1_100);
    expect(rung).toBe(2);
    expect(ranges).toMatchObject([
      {},
      { runAt: '2026-11-21 03:00:15.000+00', id: '00000000-0000-0000-0000-000000000000' },
    ]);
  });

  it('are not moved by times that are none, and look back from them without an error', () => {
    const hints = hintsAfter([{ second: 5 }]);
    for (const runAt of [
      'infinity',
      '-infinity',
      '294276-12-31 23:59:59.999999+00',
      '100000-01-01 00:00:00+00',
    ])
      hints.took([aRow({ runAt, id: at(9).id })], full(hints.look(1)));
    expect(rangesAt(hints, 1)).toMatchObject([at(5)]);
    const before = new Hints();
    before.took([aRow({ runAt: '0044-03-15 00:00:00+00 BC', id: at(9).id })], full(before.look(0)));
    expect(rangesAt(before, 60)).toMatchObject([{ runAt: '-infinity' }]);
  });

  it('look everywhere whenever a claim came back short', () => {
    const hints = hintsAfter([{ second: 1 }]);
    hints.took([], empty(hints.look(1)));
    expect(hints.look(1).rung).toBe(EVERYWHERE);
  });

  it('let looking back cost 5 % of the time, no more', () => {
    const hints = hintsAfter([{ second: 1 }]);
    hints.took([], empty(hints.look(15_000), 90));
    expect(hints.look(15_000 + 90 * 20 - 1).rung).not.toBe(EVERYWHERE);
    expect(hints.look(15_000 + 90 * 20).rung).toBe(EVERYWHERE);
  });

  it('look above the most urgent priority they know within a second, and at once after a wake-up', () => {
    const hints = hintsAfter([{ second: 1 }]);
    expect(rangesAt(hints, 60)[0]).toMatchObject({ priority: 0 });
    expect(rangesAt(hints, 1_100)[0]).toMatchObject({ priority: -32_768, upto: -1 });
    hints.expectNews();
    expect(rangesAt(hints, 1_200)[0]).toMatchObject({ priority: -32_768, upto: -1 });
  });

  it('look far enough back at once after the wake-up of a late commit, once, and do not rest before', () => {
    const hints = hintsAfter([{ second: 45 }]);
    hints.took([], full(hints.look(20_000), 10));
    hints.expectNews(400);
    expect(hints.isBehind).toBe(false);
    hints.expectNews(20_000);
    expect(hints.isBehind).toBe(true);
    expect(hints.look(20_001).rung).toBe(3);
    expect(hints.isBehind).toBe(false);
    expect(hints.look(20_002).rung).toBe(0);
    hints.expectNews(600_000);
    expect(hints.look(20_039).rung).toBe(0);
    expect(hints.look(20_040).rung).toBe(EVERYWHERE);
  });

  it('stay correct with more priorities than they keep keys for', () => {
    const hints = hintsAfter(
      Array.from({ length: 100 }, (_, priority) => ({ priority, second: 1 })),
    );
    const ranges = rangesAt(hints, 1);
    expect(ranges.length).toBeLessThanOrEqual(32);
    expect(ranges[0]!.priority).toBe(0);
    ranges.forEach((range, index) =>
      expect(range.upto + 1).toBe(ranges[index + 1]?.priority ?? 32_768),
    );
  });

  describe('that found a backlog behind them', () => {
    it('go on from there, from claim to claim, and come back to the front when it is drained', () => {
      const hints = hintsAfter([{ second: 40 }]);
      hints.took(rowsOf([{ second: 20 }, { second: 21 }]), full(hints.look(1_100)));
      expect(hints.isBehind).toBe(true);
      const next = hints.look(1_101);
      expect(next.ranges).toMatchObject([at(21)]);
      hints.took(rowsOf([{ second: 22 }]), full(next));
      const last = hints.look(1_102);
      expect(last.ranges).toMatchObject([at(22)]);
      hints.took([], empty(last));

      expect(hints.isBehind).toBe(false);
      const whole = hints.look(1_103);
      hints.took([], empty(whole, 90));
      expect(whole.rung).toBe(EVERYWHERE);
      expect(rangesAt(hints, 1_104)).toMatchObject([at(40)]);
    });

    it('are not misled by a claim in front that left before', () => {
      const hints = hintsAfter([{ second: 40 }]);
      const [back, before] = [hints.look(1_100), hints.look(1_100)];
      hints.took(rowsOf([{ second: 20 }]), full(back));
      hints.took([], empty(before));
      expect(hints.isBehind).toBe(true);
      expect(rangesAt(hints, 1_101)).toMatchObject([at(20)]);
    });

    it('are done where a claim has come to the front, however full it was', () => {
      const hints = hintsAfter([{ second: 40 }]);
      hints.took(rowsOf([{ second: 20 }, { second: 41 }]), full(hints.look(1_100)));
      expect(hints.isBehind).toBe(false);
    });

    it('look as far back in the priorities that the look has not come to', () => {
      const hints = hintsAfter([{ priority: 1, second: 40 }, { priority: 5, second: 45 }, { priority: 9, second: 46 }]); // prettier-ignore
      hints.took(rowsOf([{ priority: 5, second: 20 }]), full(hints.look(1_100)));
      expect(rangesAt(hints, 1_101)).toMatchObject([
        { priority: 1, ...at(40), upto: 4 },
        { priority: 5, ...at(20), upto: 8 },
        { priority: 9, runAt: '2026-11-21 03:00:16.000+00' },
      ]);
    });

    it('walk what lies behind them once for each look, however many jobs came late', () => {
      const hints = hintsAfter([{ second: 59 }]);
      const starts: string[] = [];
      let look = hints.look(1_100);
      for (let second = 30; second < 59; second++) {
        hints.took(rowsOf([{ second }]), full(look));
        look = hints.look(1_101);
        starts.push(look.ranges[0]!.runAt);
      }
      expect(starts).toEqual(starts.toSorted());
      expect(new Set(starts).size).toBe(starts.length);
    });

    it.each([
      ['in their order', [21, 22]],
      ['the other way round', [22, 21]],
    ])('are moved by each of two claims side by side that come back %s', (_, seconds) => {
      const hints = hintsAfter([{ second: 40 }]);
      hints.took(rowsOf([{ second: 20 }]), full(hints.look(1_100)));
      const looks = seconds.map(() => hints.look(1_101));
      seconds.forEach((second, index) => hints.took(rowsOf([{ second }]), full(looks[index]!)));
      expect(rangesAt(hints, 1_102)).toMatchObject([at(22)]);
    });

    it('go back to what a look has found farther back, whatever claims before it bring', () => {
      const hints = hintsAfter([{ second: 40 }]);
      hints.took(rowsOf([{ second: 39 }]), full(hints.look(60)));
      const [before, far] = [hints.look(61), hints.look(1_200)];
      hints.took(rowsOf([{ second: 12 }]), full(far));
      hints.took([], empty(before));
      expect(rangesAt(hints, 1_201)).toMatchObject([at(12)]);
    });

    it('are not moved forward by a look less far back that left before', () => {
      const hints = hintsAfter([{ second: 40 }]);
      const [near, far] = [hints.look(60), hints.look(1_200)];
      hints.took(rowsOf([{ second: 12 }]), full(far));
      hints.took(rowsOf([{ second: 39 }]), full(near));
      expect(rangesAt(hints, 1_201)).toMatchObject([at(12)]);
    });

    it('walk over no more of what is gone than without lateness', () => {
      const jobs = 20_000;
      const late = walkedBy(hintsAfter([{ second: 40 }]), jobs);
      const inTime = walkedBy(new Hints(), jobs);
      expect(late.claims).toBe(inTime.claims);
      expect(late.walked).toBeLessThanOrEqual(inTime.walked);
      // Its own jobs, and what the claim beside it has taken meanwhile.
      expect(late.walked).toBeLessThan(1.7 * jobs);
    });

    it('look farther back as soon as that is due', () => {
      const hints = hintsAfter([{ second: 40 }]);
      hints.took(rowsOf([{ second: 39 }]), full(hints.look(60)));
      const far = hints.look(1_200);
      expect(far.ranges.at(-1)).toMatchObject({ runAt: '2026-11-21 03:00:10.000+00' });
      hints.took(rowsOf([{ second: 12 }]), full(far));
      expect(rangesAt(hints, 1_201)).toMatchObject([at(12)]);
    });

    it('drain it also where priorities are more than they keep keys for', () => {
      const priorities = Array.from({ length: 40 }, (_, priority) => priority);
      const hints = hintsAfter(priorities.map((priority) => ({ priority, second: 40 })));
      const left = priorities.flatMap((priority) => [{ priority, second: 20 }, { priority, second: 21 }]); // prettier-ignore
      for (let now = 15_000; left.length > 0; now++) {
        const look = hints.look(now);
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
        hints.took(rowsOf(found), full(look));
      }
    });
  });
});
