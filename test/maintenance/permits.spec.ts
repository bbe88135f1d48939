import { describe, expect, it } from '@jest/globals';
import { Permits } from '../../lib/maintenance/permits.js';
import type { SiteOf } from '../../lib/maintenance/site.js';
import type { Storage } from '../../lib/storage/storage.js';

describe('the permit duty', () => {
  /** `pages`: what each look says of the next one. */
  function somePermits(...pages: (number | null)[]) {
    const sent: unknown[] = [];
    let looks = 0;
    const keys = {
      handPermits: async () => ({ lanes: [looks++], fair: false, nextMs: pages.shift() ?? null }),
    };
    const signals = { send: (signal: unknown) => void sent.push(signal) };
    const site = { storage: { keys, signals } as unknown as Storage, options: {} };
    return { permits: new Permits(site as SiteOf<never>), sent, looks: () => looks };
  }

  it('takes two pages side by side behind a full one, until neither is full', async () => {
    const { permits, looks } = somePermits(0, 0, null, null, 7, null);
    const rounds: [restMs: number, looks: number][] = [];
    for (let round = 0; round < 4; round++) rounds.push([await permits.round(), looks()]);
    expect(rounds).toEqual([
      [0, 1],
      [0, 3],
      [7, 5],
      [Infinity, 6],
    ]);
  });

  it('wakes the lanes of jobs that may run now, of each page', async () => {
    const { permits, sent } = somePermits(0);
    await permits.round();
    await permits.round();
    expect(sent).toEqual([0, 1, 2].map((lane) => ({ lanes: [lane], later: false })));
  });
});
