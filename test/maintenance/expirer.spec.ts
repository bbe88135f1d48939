import { describe, expect, it } from '@jest/globals';
import { Expirer } from '../../lib/maintenance/expirer.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import type { Storage } from '../../lib/storage/storage.js';
import { aSite } from '../support/site.js';

describe('the expirer', () => {
  /** One round, in which the storage answers this. */
  async function aRound(answer: { due: number; expired: number }) {
    const told: unknown[] = [];
    const events = new QueueEventBus();
    events.on('expired', (event) => void told.push(event));
    const signals = { send: (signal: unknown) => void told.push(signal) };
    const storage = { signals, staged: { expire: async () => answer } } as unknown as Storage;
    const site = {
      ...aSite({ storage, events }),
      wake: (...waking: unknown[]) => void told.push(waking),
    };
    return { restMs: await new Expirer(site).round(), told };
  }

  it.each([
    ['goes on at once after a full batch', { due: 500, expired: 480 }, 0],
    ['rests after a full batch of which others hold everything', { due: 500, expired: 0 }, 200],
    ['looks again soon for what others hold', { due: 3, expired: 2 }, 200],
    ['rests until it is woken where nothing is left', { due: 3, expired: 3 }, Infinity],
  ])('%s', async (_, answer, restMs) => {
    expect((await aRound(answer)).restMs).toBe(restMs);
  });

  it('says what has expired, that turns are vacant, and to all that their ends may be told', async () => {
    const news = { lanes: [], later: true, anywhere: true };
    expect((await aRound({ due: 3, expired: 2 })).told).toEqual([['turn'], news, { jobs: 2 }]);
    expect((await aRound({ due: 3, expired: 0 })).told).toEqual([]);
  });
});
