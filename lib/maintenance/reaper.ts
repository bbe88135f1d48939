import { tellReaped } from '../observability/reaped.js';
import { deadHeads } from '../storage/dead-heads.js';
import type { ReapCounts, ReapRules } from '../storage/lease.repository.js';
import { archiveRetention, deadLetterRetention } from '../storage/retention.js';
import type { Site } from './duties.js';
import { jittered } from './jitter.js';

/** Gives back what silent workers held. */
export class Reaper {
  private readonly rules: ReapRules;

  constructor(private readonly site: Pick<Site, 'storage' | 'options' | 'events'>) {
    const { options } = site;
    this.rules = {
      maxStalls: options.maxStalls,
      archive: archiveRetention(options),
      deadLetter: deadLetterRetention(options),
      deadHead: deadHeads(options),
    };
  }

  async round(): Promise<number> {
    await this.reap();
    return jittered(this.site.options.reaperIntervalMs);
  }

  async reap(): Promise<ReapCounts> {
    const { storage, events } = this.site;
    return tellReaped(await storage.leases.reapAll(this.rules), events, storage.signals);
  }
}
