import { tellReaped } from './reaped.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ReapCounts, ReapRules } from '../storage/leases/lease.repository.js';
import type { SiteOf } from './site.js';
import { jittered } from './jitter.js';

/** Gives back what silent workers held. */
export class Reaper {
  private readonly rules: ReapRules;

  constructor(private readonly site: Pick<SiteOf<never>, 'storage' | 'options' | 'events'>) {
    const policies = new QueuePolicies(site.options);
    this.rules = {
      maxStalls: site.options.maxStalls,
      archive: policies.byQueue('archiveKeepMs'),
      deadLetter: policies.byQueue('deadLetterKeepMs'),
      onDeadJob: policies.byQueue('onDeadJob'),
    };
  }

  async round(): Promise<number> {
    await this.reap();
    return jittered(this.site.options.reaperIntervalMs);
  }

  async reap(): Promise<ReapCounts> {
    const { storage, events } = this.site;
    const reaping = await storage.leases.reapAll(this.rules);
    // After their jobs were put back, never before: what still runs elsewhere would not be counted.
    if (reaping.hasShares)
      for (const name of await storage.limits.freeShares()) storage.signals.tellOfLimit(name);
    return tellReaped(reaping, events, storage.signals);
  }
}
