import type { QueueEvents } from '../observability/events.js';
import { tellReaped } from '../observability/reaped.js';
import type { ReapRules } from '../storage/lease.repository.js';
import type { Storage } from '../storage/storage.js';
import { jittered } from './jitter.js';

/** Gives back what silent workers held. Any process may reap at any time: rows, not a leader, decide. */
export class Reaper {
  constructor(
    private readonly storage: Pick<Storage, 'leases' | 'signals'>,
    private readonly rules: ReapRules & { intervalMs: number },
    private readonly events: QueueEvents,
  ) {}

  async reap(): Promise<number> {
    tellReaped(await this.storage.leases.reapAll(this.rules), this.events, this.storage.signals);
    return jittered(this.rules.intervalMs);
  }
}
