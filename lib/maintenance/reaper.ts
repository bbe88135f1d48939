import type { QueueEvents } from '../observability/events.js';
import { groupBlocked } from '../observability/group-blocked.js';
import type { LeaseRepository, ReapRules } from '../storage/lease.repository.js';
import { jittered } from './jitter.js';

/** Gives back what silent workers held. Any process may reap at any time: rows, not a leader, decide. */
export class Reaper {
  constructor(
    private readonly leases: LeaseRepository,
    private readonly rules: ReapRules & { intervalMs: number },
    private readonly events: QueueEvents,
  ) {}

  async reap(): Promise<number> {
    const { deadHeads, ...total } = await this.leases.reapAll(this.rules);
    if (total.leases > 0 || total.jobs > 0) this.events.emit('reaped', () => total);
    for (const dead of deadHeads) this.events.emit('warning', () => groupBlocked(dead));
    return jittered(this.rules.intervalMs);
  }
}
