import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DUTIES, roundsOf } from '../../lib/maintenance/duties.js';
import { Rota } from '../../lib/maintenance/rota.js';
import type { Promotion } from '../../lib/storage/claim/promotion.js';
import type { Storage } from '../../lib/storage/storage.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { aSite } from '../support/site.js';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

describe('the list of duties', () => {
  it('says what the table of duties in docs/architecture.md says', () => {
    const [, chapter] = read('docs/architecture.md').split('They stand in one list');
    const [table] = chapter!.split('\n\nA duty is made of its site');
    const rows = [...table!.matchAll(/^\| `(\w+)` \| `(\w+\.\w+)`/gm)].map(([, name, round]) => [
      name,
      round,
    ]);
    expect(rows).toEqual(DUTIES.map(({ name, Duty }) => [name, `${Duty.name}.round`]));
  });

  it('holds every duty of the room', () => {
    const own = readdirSync(new URL('lib/maintenance/', root));
    const others = ['lib/schedules/ticker.ts', 'lib/workflows/advancer.ts'];
    const files = [...own.map((file) => `lib/maintenance/${file}`), ...others];
    const sources = files.map(read);
    const duties = sources.filter((source) => /^ {2}async round\(\)/m.test(source));
    expect(
      duties.flatMap((source) => /^export class (\w+)/m.exec(source)!.slice(1)).toSorted(),
    ).toEqual(DUTIES.map(({ Duty }) => Duty.name).toSorted());
  });

  it('makes a round of each', () => {
    const site = aSite({ storage: {} as Storage, events: new QueueEventBus() });
    expect(Object.keys(roundsOf(site))).toEqual(DUTIES.map(({ name }) => name));
  });
});

describe('a rota', () => {
  const NOTHING = { lanes: [], nextMs: null, vacant: false, expiryMs: null };

  /** What it asks of the storage, and what the storage answers. */
  function aRota(promote: () => Promise<Partial<Promotion>>) {
    const asked: string[] = [];
    const note = <Answer>(what: string, answer: Answer) => (asked.push(what), answer);
    const jobs = { promote: () => note('promote', promote()) };
    const staged = { expire: async () => note('expire', { due: 1, expired: 1 }) };
    const groups = {
      handOn: async () =>
        note('turn', { lanes: [], later: 0, looked: 0, dealt: 0, held: [], queues: [] }),
    };
    const storage = { claims: jobs, staged, groups, signals: { send: () => undefined } };
    const events = new QueueEventBus();
    const site = aSite({ storage: storage as unknown as Storage, events });
    return {
      asked,
      events,
      rota: new Rota({ ...site, lookEveryMs: 60_000 }, ['promote', 'expire', 'turn']),
    };
  }

  it('turns what is due, and what that wakes behind it; and nothing else until it is due', async () => {
    const { asked, rota } = aRota(async () => ({ ...NOTHING, expiryMs: 0 }));
    await rota.turn();
    await rota.turn();
    expect(asked).toEqual(['promote', 'expire', 'turn']);
    rota.wake('turn');
    rota.wake('clean');
    await rota.turn();
    expect(asked.slice(3)).toEqual(['turn']);
  });

  it('holds up nobody who comes by during a round', async () => {
    let answer: (promotion: Partial<Promotion>) => void;
    const { asked, rota } = aRota(() => new Promise((resolve) => (answer = resolve)));
    const first = rota.turn();
    await rota.turn();
    expect(asked).toEqual(['promote']);
    rota.wake('promote');
    answer!(NOTHING);
    await first;
    void rota.turn();
    expect(asked).toEqual(['promote', 'promote']);
  });

  it('rests after an error, as long as between two looks; that keeps nobody from the others, and is reported', async () => {
    const { asked, rota, events } = aRota(() => Promise.reject(new Error('away')));
    const failed: unknown[] = [];
    events.on('loopFailed', (event) => failed.push(event));
    rota.wake('turn');
    await rota.turn();
    await rota.turn();
    expect(asked).toEqual(['promote', 'turn']);
    expect(failed).toEqual([{ loop: 'promote', error: new Error('away'), restMs: 60_000 }]);
  });
});
