import type { SiteOf } from './site.js';

/** Hands permits of keys to the jobs that wait for them. Any process may do it at any time; the rows decide. */
export class Permits {
  constructor(private readonly site: Pick<SiteOf<never>, 'storage' | 'options'>) {}

  async round(): Promise<number> {
    const { storage, options } = this.site;
    const { keys, signals } = storage;
    const { lanes, fair, nextMs } = await keys.handPermits(!options.isUnpaced);
    if (lanes.length > 0) signals.send({ lanes, later: false, ...(fair ? { fair } : {}) });
    return nextMs ?? Infinity;
  }
}
