import { describe, expect, it } from '@jest/globals';
import { Arrivals, type ArrivalsParts } from '../../lib/claim/arrivals.js';
import { JobRun } from '../../lib/run/job-run.js';
import type { Line } from '../../lib/runtime/line.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import { aGate } from '../support/gate.js';
import { aClaim, aLane, aRow } from '../support/runs.js';

const KIB = 1_024;

const lateAnswer = () => new DatabaseError('fetch_heavy', new Error('Query read timeout'));

/** `room`: so many of a statement the database has room for in its answer. */
function arrivals({
  room = Infinity,
  gone = [] as string[],
  dear = '',
  before = () => Promise.resolve(),
} = {}) {
  const fetched: string[][] = [];
  const settled: string[] = [];
  const warned: string[] = [];
  const jobs = {
    fetchHeavy: async (runs: { id: string }[]) => {
      fetched.push(runs.map(({ id }) => id));
      await before();
      if (runs.some(({ id }) => id === dear)) throw lateAnswer();
      const held = runs.filter(({ id }) => !gone.includes(id)).slice(0, room);
      return new Map(held.map(({ id }) => [id, [id, null, null, '1', null, null]]));
    },
  };
  const settler = { add: (_run: unknown, { kind }: { kind: string }) => settled.push(kind) };
  const parts = {
    claimRepository: jobs,
    settler,
    dispatcher: { startAll: () => undefined },
    queryTimeoutMs: 1_000,
    onHeavy: () => undefined,
    warn: ({ code }: { code: string }) => warned.push(code),
  };
  return { arrivals: new Arrivals(parts as unknown as ArrivalsParts), fetched, settled, warned };
}

const heavy = (id: string, lane = aLane(), weight = 600 * KIB) =>
  new JobRun(aRow({ id, weight, fill: () => undefined }), lane, aClaim());

describe('arrivals', () => {
  it('fetch in turn from all lanes, a mebibyte at a time', async () => {
    const [first, second] = [aLane(), aLane({ id: 2 })];
    const { arrivals: all, fetched } = arrivals();
    for (const id of ['a1', 'a2', 'a3']) all.take(heavy(id, first));
    for (const id of ['b1', 'b2']) all.take(heavy(id, second, 500 * KIB));
    while ((await all.fetch()) === 0);
    expect(fetched.map((ids) => ids.join())).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  describe('over a line', () => {
    const KEPT = 2_048 * KIB;

    /** Both loops at once: how many statements are under way. */
    const beside = async (speed: { bytes: number; ms: number }) => {
      const lane = aLane();
      const gate = aGate();
      const { arrivals: all, fetched } = arrivals({ before: () => gate.passed });
      const line = (all as unknown as { line: Line }).line;
      line.took(speed.bytes, speed.ms);
      for (const id of ['a', 'b', 'c']) all.take(heavy(id, lane, 900 * KIB));
      const rounds = [all.fetch(), all.fetch()];
      const under = fetched.map((ids) => ids.join());
      gate.open();
      await Promise.all(rounds);
      while ((await all.fetch()) === 0);
      return { under, all: fetched.flat(), enough: lane.heavy.enough };
    };

    it('that is quick fetch side by side, each job once, and let more be claimed ahead', async () => {
      const { under, all, enough } = await beside({ bytes: 1_024 * KIB, ms: 2 });
      expect(under).toEqual(['a', 'b']);
      expect(all).toEqual(['a', 'b', 'c']);
      expect(enough).toBeGreaterThan(KEPT);
    });

    it('that is slow, or not known, fetch one after another', async () => {
      const { under, all } = await beside({ bytes: 1_024 * KIB, ms: 2_000 });
      expect(under).toEqual(['a']);
      expect(all).toEqual(['a', 'b', 'c']);
    });
  });

  it('ask again for what an answer had no room for', async () => {
    const lane = aLane();
    const { arrivals: all, fetched } = arrivals({ room: 1 });
    for (const id of ['a', 'b']) all.take(heavy(id, lane, 1));
    while ((await all.fetch()) === 0);
    expect(fetched).toEqual([['a', 'b'], ['b']]);
    expect([lane.buffered, lane.held]).toEqual([2, 2]);
  });

  it('settle what is held no longer, and leave what was given back meanwhile', async () => {
    const lane = aLane();
    const { arrivals: all, settled } = arrivals({ gone: ['a'] });
    all.take(heavy('a', lane));
    await all.fetch();
    expect(settled).toEqual(['released']);

    all.take(heavy('b', lane));
    const under = all.fetch();
    expect(lane.giveBack()).toHaveLength(1);
    await under;
    expect(lane.held).toBe(0);
  });

  it('give back for a while, and name, what does not come through by itself; what is beside it does', async () => {
    const lane = aLane();
    const { arrivals: all, fetched, settled, warned } = arrivals({ dear: 'large' });
    for (const id of ['large', 'a', 'b']) all.take(heavy(id, lane, 1));
    for (let round = 0; round < 20; round++) await all.fetch().catch(() => undefined);
    expect(fetched.filter((ids) => ids.includes('large'))).toEqual([
      ['large', 'a', 'b'],
      ...Array.from({ length: 3 }, () => ['large']),
    ]);
    expect([settled, warned]).toEqual([['released'], ['JOB_TOO_HEAVY']]);
    expect([lane.buffered, lane.held]).toEqual([2, 2]);
  });
});
