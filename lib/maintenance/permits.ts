import { tellTurns } from '../storage/groups/vacant-turns.js';
import type { SiteOf } from './site.js';

/** Hands permits of keys to the jobs that wait for them. Any process may do it at any time; the rows decide. */
export class Permits {
  private isBusy = false;

  constructor(private readonly site: Pick<SiteOf<never>, 'storage' | 'options'>) {}

  /** Where many keys have changed, two statements look at some of them each: one alone would wait for its commit, and keep one core of the server busy. */
  async round(): Promise<number> {
    const looks = [this.hand(), ...(this.isBusy ? [this.hand()] : [])];
    const nextMs = Math.min(...(await Promise.all(looks)));
    this.isBusy = nextMs === 0;
    return nextMs;
  }

  private async hand(): Promise<number> {
    const { storage, options } = this.site;
    const { lanes, fair, suspects, nextMs } = await storage.keys.handPermits(!options.isUnpaced);
    tellTurns(storage.signals, { lanes, later: Number(suspects ?? 0), fair });
    return nextMs ?? Infinity;
  }
}
