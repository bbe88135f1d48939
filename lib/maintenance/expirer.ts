import { QueuePolicies, type Retention } from '../options/queue-policy.js';
import { ENDED } from '../storage/wake-ups/wake-up.js';
import type { SiteOf } from './site.js';

const FULL_BATCH = 500;
/** What is being committed or aborted right now was skipped. */
const SKIPPED_REST_MS = 200;

/** Ends staged jobs that nobody committed in their time; their turns in ordered groups become vacant. */
export class Expirer {
  private readonly deadLetter: Retention;

  constructor(private readonly site: SiteOf<'turn'>) {
    this.deadLetter = new QueuePolicies(site.options).byQueue('deadLetterKeepMs');
  }

  async round(): Promise<number> {
    const { storage, events, wake } = this.site;
    const { due, expired } = await storage.staged.expire(this.deadLetter);
    if (expired > 0) {
      wake('turn');
      storage.signals.send({ lanes: [], ...ENDED });
      events.emit('expired', () => ({ jobs: expired }));
    }
    if (due === FULL_BATCH && expired > 0) return 0;
    return due > expired ? SKIPPED_REST_MS : Infinity;
  }
}
