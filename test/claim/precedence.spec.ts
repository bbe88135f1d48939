import { beforeEach, describe, expect, it } from '@jest/globals';
import { Precedence } from '../../lib/claim/precedence.js';
import type { WorkerLane } from '../../lib/claim/worker-lane.js';
import { Permits } from '../../lib/runtime/permits.js';
import { aLane, aRow } from '../support/runs.js';

const LATER = 1_000;

describe('precedence', () => {
  const own = new Permits(1);
  let lanes: WorkerLane[];
  let precedence: Precedence;

  const aSibling = (id: number, more: Permits[] = []): WorkerLane =>
    aLane({ id, permits: [process, queue, ...more] });
  let process: Permits;
  let queue: Permits;

  beforeEach(() => {
    process = new Permits(10);
    queue = new Permits(2);
    lanes = [aSibling(1), aSibling(2), aSibling(3, [own])];
    precedence = new Precedence(() => lanes);
  });

  /** A claim of all priorities has brought these and, unless it came back short, left some. */
  function brings(lane: WorkerLane, priorities: number[], { short = false } = {}): void {
    const rows = priorities.map((priority) => aRow({ lane: lane.id, priority }));
    const look = lane.cursor.look(0);
    lane.ask(rows.length);
    precedence.brought(lane, rows, { look, short, nextLookAt: LATER });
    lane.answered(rows.length, { short, nextLookAt: LATER });
  }

  const uptos = () => {
    precedence.begin();
    return lanes.map((lane) => precedence.wishOf(lane, 0).upto);
  };

  const isDue = (lane: WorkerLane, now: number) => precedence.wishOf(lane, now).wanted > 0;

  it('changes nothing where all jobs have one priority', () => {
    const [one, two, three] = lanes as [WorkerLane, WorkerLane, WorkerLane];
    brings(one, [5, 5]);
    brings(two, [5]);
    brings(three, [], { short: true });

    expect(uptos()).toEqual([Infinity, Infinity, Infinity]);
  });

  it('lets a lane claim no less urgent jobs than its siblings have', () => {
    const [one, two] = lanes as [WorkerLane, WorkerLane];
    brings(one, [-100]);
    brings(two, [100]);

    expect(uptos()).toEqual([Infinity, -100, -100]);
  });

  it('lets the others go on as soon as nothing more urgent is left', () => {
    const [one, two] = lanes as [WorkerLane, WorkerLane];
    brings(one, [-100]);
    brings(two, [100]);
    brings(one, [], { short: true });

    expect(uptos()).toEqual([100, Infinity, 100]);
  });

  it('waits for no lane that is paused', () => {
    const [one, two] = lanes as [WorkerLane, WorkerLane];
    brings(one, [-100]);
    brings(two, [100]);
    one.isPaused = true;

    expect(precedence.wishOf(two, 0).upto).toBe(Infinity);
  });

  it('waits for no lane that a limit of its own keeps from more', () => {
    const [, two, three] = lanes as [WorkerLane, WorkerLane, WorkerLane];
    brings(three, [-100]);
    brings(two, [100]);
    expect(precedence.wishOf(two, 0).upto).toBe(-100);
    own.take();

    expect(precedence.wishOf(two, 0).upto).toBe(Infinity);
    own.giveBack();
  });

  it('looks at a lane that gives way once a poll, and where there was news', () => {
    const [one, two] = lanes as [WorkerLane, WorkerLane];
    brings(one, [-100]);
    brings(two, [100]);
    expect(isDue(two, 0)).toBe(true);
    const look = precedence.look(two, -100, 0);
    expect(isDue(two, LATER)).toBe(false);
    precedence.brought(two, [], { look, short: true, nextLookAt: LATER });
    expect([isDue(two, 0), isDue(two, LATER)]).toEqual([false, true]);

    two.expectNews();

    expect(isDue(two, 0)).toBe(true);
  });

  it('goes to a lane in which more urgent jobs are found', () => {
    const [one, two] = lanes as [WorkerLane, WorkerLane];
    brings(one, [-100]);
    brings(two, [100]);
    const rows = [aRow({ lane: 2, priority: -200 })];
    const look = two.cursor.lookUpTo(-100, 0);
    precedence.brought(two, rows, { look, short: false, nextLookAt: LATER });

    expect(uptos()).toEqual([-200, Infinity, -200]);
  });

  it('looks back for what came late in a lane that gives way, and leaves the news of it to others', () => {
    const [one] = lanes as [WorkerLane];
    const row = aRow({ priority: -10, runAt: '2026-11-30 12:00:05+00' });
    one.cursor.took([row], { look: one.cursor.look(0), short: true, ms: 1_000 });
    one.cursor.expectNews(20_000);

    const look = one.cursor.lookUpTo(0, 100);

    expect(look.ranges.at(-1)).toMatchObject({
      ...{ priority: -10, upto: 0, runAt: '2026-11-30 11:59:35.000+00' },
    });
    one.cursor.took([], { look, short: true, ms: 1 });
    expect(one.cursor.isBehind).toBe(true);
  });

  it('asks only up to a priority, whatever lies behind, at the bounds too', () => {
    const [one] = lanes as [WorkerLane];
    const upto = (priority: number) =>
      one.cursor.lookUpTo(priority, 0).ranges.map((range) => [range.priority, range.upto]);
    expect(upto(3)).toEqual([[-32_768, 3]]);
    const rows = [aRow({ priority: -32_768 }), aRow({ priority: 3 }), aRow({ priority: 7 })];
    one.cursor.took(rows, { look: one.cursor.look(0), short: true, ms: 1 });

    expect(upto(5)).toEqual([[-32_768, 2], [3, 5]]); // prettier-ignore
  });

  it('asks each of 2,000 names with mixed priorities a few times, not once for each other', () => {
    let asked = 0;
    const permits = [own];
    const aName = () => ({
      ...{ queueId: 1, wasEmpty: false, held: 0, isPaused: false, buffered: 0, expected: 0 },
      ...{ lookAt: 0, wanted: 1, capacity: 10, permits, followMs: 20 },
      get priority() {
        asked += 1;
        return Infinity;
      },
    });
    const names = Array.from({ length: 2_000 }, aName) as unknown as WorkerLane[];
    const many = new Precedence(() => names);
    const look = { step: 0, ranges: [], number: 0, from: undefined };
    names.forEach((lane, n) =>
      many.brought(lane, [{ priority: n % 7 } as never], {
        ...{ look, short: false, nextLookAt: 0 },
      }),
    );
    const allowed = names.filter((lane) => {
      return many.wishOf(lane, 0).upto === Infinity;
    });
    expect(allowed).toHaveLength(Math.ceil(names.length / 7));
    expect(asked).toBeLessThan(100 * names.length);
  });
});
