import type { QueueEvents } from '../observability/events.js';
import type { LeaseRepository, Reaped, ReapRules } from '../storage/lease.repository.js';
import { jittered } from './jitter.js';

const FIRST = '00000000-0000-0000-0000-000000000000';
const PAGE = 20;

/** Gives back what silent workers held. Any process may reap at any time: rows, not a leader, decide. */
export class Reaper {
  constructor(
    private readonly leases: LeaseRepository,
    private readonly rules: ReapRules & { intervalMs: number },
    private readonly events: QueueEvents,
  ) {}

  async reap(): Promise<number> {
    const leases = (await this.leases.expire()).length;
    const total = { leases, jobs: 0, poisoned: 0, cancelled: 0 };
    let page: Reaped | undefined;
    // Page behind page: claims that cannot be freed yet must not hide the ones behind them.
    do {
      page = await this.leases.reap(this.rules, page?.last ?? FIRST);
      total.jobs += page.jobs;
      total.poisoned += page.poisoned;
      total.cancelled += page.cancelled;
    } while (page.claims === PAGE);
    if (leases > 0 || total.jobs > 0) this.events.emit('reaped', () => total);
    return jittered(this.rules.intervalMs);
  }
}
