import type { SiteOf } from './site.js';

/** Hands permits of keys to the jobs that wait for them. Any process may do it at any time; the rows decide. */
export class Permits {
  constructor(private readonly site: Pick<SiteOf<never>, 'storage'>) {}

  async round(): Promise<number> {
    const { keys, signals } = this.site.storage;
    const { lanes, fair, nextMs } = await keys.handPermits();
    if (lanes.length > 0) signals.send({ lanes, later: false, ...(fair ? { fair } : {}) });
    return nextMs ?? Infinity;
  }
}
