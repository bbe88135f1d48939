import { describe, expect, it } from '@jest/globals';
import { Turns } from '../../lib/maintenance/turns.js';
import type { HandedOn, Turn } from '../../lib/storage/groups/group.repository.js';
import type { Storage } from '../../lib/storage/storage.js';

describe('the turn duty', () => {
  function someTurns(...pages: Partial<HandedOn>[]) {
    const sent: unknown[] = [];
    const page = { lanes: [], later: 0, looked: 0, dealt: 0, held: [], queues: new Set<number>() };
    const waits: { turn: Turn; end: (dealt: unknown) => void; fail: (error: unknown) => void }[] =
      [];
    const groups = {
      handOn: async () => ({ ...page, ...pages.shift() }),
      handOnBehind: (turn: Turn) =>
        new Promise((end, fail) => void waits.push({ turn, end, fail })),
    };
    const storage = {
      groups,
      signals: { send: (signal: unknown) => void sent.push(signal) },
    } as unknown as Storage;
    return { turns: new Turns({ storage }), sent, waits };
  }

  it('rests until it is woken where every turn was dealt with', async () => {
    const { turns } = someTurns({ looked: 2, dealt: 2 });
    expect([await turns.round(), await turns.round()]).toEqual([Infinity, Infinity]);
  });

  it('looks again for turns that others hold: soon, ever more rarely, and soon again when one was free', async () => {
    const held = Array.from({ length: 8 }, () => ({ looked: 1 }));
    const { turns } = someTurns(...held, { looked: 2, dealt: 1 }, { looked: 1 });
    const rests: number[] = [];
    for (let round = 0; round < 10; round++) rests.push(await turns.round());
    expect(rests).toEqual([10, 20, 40, 80, 160, 320, 500, 500, 5, 10]);
  });

  it('waits beside its rounds for one turn that was held twice, for each in turn', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((group) => ({ queue: 1, group }));
    const { turns, waits, sent } = someTurns(
      { looked: 2, held: [a!, b!] },
      { looked: 3, dealt: 1, held: [b!, c!] },
      { looked: 2, held: [b!, c!] },
      { looked: 2, held: [b!, c!] },
      { looked: 1, dealt: 1 },
      { looked: 1, held: [b!] },
    );
    await turns.round();
    expect(waits).toEqual([]);
    await turns.round();
    await turns.round();
    expect(waits.map(({ turn }) => turn)).toEqual([b]);
    waits[0]!.fail(new Error('lock timeout'));
    await new Promise(setImmediate);
    await turns.round();
    expect(waits.map(({ turn }) => turn)).toEqual([b, c]);
    waits[1]!.end({ lanes: [7], later: 0, dealt: 1 });
    await new Promise(setImmediate);
    expect(sent).toEqual([{ lanes: [7], later: false }]);
    await turns.round();
    await turns.round();
    expect(waits).toHaveLength(2);
  });

  it('goes on at once behind a full page', async () => {
    const queues = new Set([1]);
    const full = { looked: 200, dealt: 200, queues, last: { queue: 1, group: 'm' } };
    const { turns } = someTurns(full, {}, { queues });
    expect([await turns.round(), await turns.round()]).toEqual([0, Infinity]);
  });

  it('wakes the lanes of jobs that are ready, and whoever watches for later ones', async () => {
    const { turns, sent } = someTurns(
      { looked: 2, dealt: 2, lanes: [3], later: 1 },
      { looked: 1, dealt: 1, later: 1 },
      {},
    );
    for (let round = 0; round < 3; round++) await turns.round();
    expect(sent).toEqual([
      { lanes: [3], later: true },
      { lanes: [], later: true },
    ]);
  });
});
