import { workerName } from '../runtime/worker-name.js';
import type { SiteOf } from './site.js';

/** What a process has counted may be lost with it: so much of it. */
const EVERY_MS = 60_000;

/** Writes down what this process has counted of its runs. Where nothing ran it asks nothing of the database. */
export class TallyKeeper {
  constructor(private readonly site: Pick<SiteOf<never>, 'storage' | 'events' | 'options' | 'name'>) {} // prettier-ignore

  async round(): Promise<number> {
    const { storage, events, options, name = workerName() } = this.site;
    const counted = events.tally?.take();
    if (!counted || counted.lanes.length === 0 || !options.tally) return EVERY_MS;
    const { keepMs } = options.tally;
    try {
      await storage.tallies.write({ ...counted, worker: name, keepMs });
    } catch (error) {
      events.tally!.putBack(counted);
      throw error;
    }
    return EVERY_MS;
  }
}
