import { describe, expect, it } from '@jest/globals';
import { Promoter } from '../../lib/maintenance/promoter.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import type { Promotion } from '../../lib/storage/claim/promotion.js';
import type { Signal } from '../../lib/storage/wake-ups/signals.js';
import type { Storage } from '../../lib/storage/storage.js';
import { aSite } from '../support/site.js';
import { aStorage } from '../support/storage.js';
import { checkPlaces } from '../support/check-places.js';

const NOTHING: Promotion = {
  promoted: 0,
  lanes: [],
  movedFair: false,
  until: null,
  nextMs: null,
  registry: 0,
  suspects: false,
  lone: false,
  pausedQueues: [],
  outcomeQueues: [],
  limits: 0,
  fair: [],
  vacant: false,
  arrived: false,
  expiryMs: null,
  tickMs: null,
  keyMs: null,
  movedKeyed: false,
};

describe('the promoter', () => {
  function aPromoter(...promotions: Partial<Promotion>[]) {
    const asked: [string, number[]][] = [];
    const promoted: number[][] = [];
    const news: unknown[] = [];
    const woken: unknown[] = [];
    const jobs = {
      promote: async (since: string, lanes: number[]) => {
        asked.push([since, lanes]);
        return { ...NOTHING, ...(promotions.shift() ?? {}) };
      },
    };
    const signals = { send: ({ lanes }: Signal) => void promoted.push(lanes) };
    const promoter = new Promoter({
      ...aSite({
        storage: { claims: jobs, signals } as unknown as Storage,
        events: new QueueEventBus(),
      }),
      lanes: () => [3, 4],
      wake: (...waking) => void woken.push(waking),
      apply: async (told) => void news.push(told),
    });
    return { promoter, asked, promoted, news, woken };
  }

  it('rests until the next job is due, and no longer than it may', async () => {
    const { promoter } = aPromoter(
      { nextMs: 250 },
      { nextMs: 5_000 },
      { nextMs: null },
      { nextMs: 0.2 },
      { promoted: 1_000, nextMs: 9 },
    );
    const rests: number[] = [];
    for (let round = 0; round < 5; round++) rests.push(await promoter.round());
    expect(rests).toEqual([250, 1_000, 1_000, 1, 0]);
  });

  it('tells which lanes have news, and what else it learnt', async () => {
    const { promoter, asked, promoted, news } = aPromoter(
      { lanes: [4], registry: 9, suspects: true, pausedQueues: [2] },
      {},
    );
    await promoter.round();
    await promoter.round();
    expect(asked.map(([, lanes]) => lanes)).toEqual([
      [3, 4],
      [3, 4],
    ]);
    expect(promoted).toEqual([[4]]);
    expect(news).toMatchObject([
      { registry: 9, suspects: true, pausedQueues: [2] },
      { registry: 0, suspects: false, lone: false, pausedQueues: [] },
    ]);
  });

  it('wakes the duties that have something to do, each in its time', async () => {
    const { promoter, woken } = aPromoter(
      { vacant: true, expiryMs: 250 },
      { expiryMs: -9 },
      { tickMs: 1_500.4 },
      { tickMs: -3 },
      {},
    );
    for (let round = 0; round < 5; round++) await promoter.round();
    expect(woken).toEqual([['turn'], ['expire', 250], ['expire', 0], ['tick', 1_501], ['tick', 0]]);
  });

  it('looks everywhere first, then a minute behind where it ended', async () => {
    const { promoter, asked } = aPromoter(
      { until: '2026-11-21 03:16:10.123456+00' },
      { until: '2026-11-21 03:20:00+00' },
    );
    for (let round = 0; round < 3; round++) await promoter.round();
    expect(asked.map(([since]) => since)).toEqual([
      '-infinity',
      '2026-11-21T03:15:10.123Z',
      '2026-11-21T03:19:00.000Z',
    ]);
  });

  it('promotes what is due and finds what was committed late, on real rows', async () => {
    const test = await aStorage();
    const promoter = new Promoter({ ...aSite(test), lookEveryMs: 60_000 });
    const first = await test.rows.job({ state: 'scheduled', due: '-1 second' });
    await test.rows.job({ state: 'scheduled', due: '30 seconds' });
    expect(await promoter.round()).toBeLessThanOrEqual(30_000);
    const late = await test.rows.job({ state: 'scheduled', due: '-50 seconds' });
    await promoter.round();
    for (const { id } of [first, late])
      expect(await test.storage.jobs.find(id)).toMatchObject({ state: 'ready' });
    expect(await checkPlaces(test.storage)).toEqual([]);
    await test.close();
  });
});
