import type { ReapCounts, Reaping } from '../storage/leases/lease.repository.js';
import type { Signals } from '../storage/wake-ups/signals.js';
import type { QueueEventBus } from '../observability/events.js';
import { ENDED } from '../storage/wake-ups/wake-up.js';
import { groupBlocked } from '../observability/group-blocked.js';

const CANCELLED = 'It was asked to stop, and its process died.';

/** Reports what a reap has done: the listeners of this process, and everywhere those who wait for something to claim. */
export function tellReaped(
  { deadJobs, ended, hasShares: _, ...reaped }: Reaping,
  events: QueueEventBus,
  signals: Pick<Signals, 'send'>,
): ReapCounts {
  if (reaped.leases > 0 || reaped.jobs > 0) events.emit('reaped', () => reaped);
  // What a dead process knew of times others have to look up, even where it had no jobs.
  if (reaped.leases > 0 || reaped.jobs > 0) signals.send({ lanes: [], ...ENDED });
  for (const { laneId, error, ...job } of ended) {
    events.tally?.ended(laneId, error ? 'poisoned' : 'cancelled');
    if (error) events.emit('failed', () => ({ ...job, state: 'poisoned', runMs: 0, error }));
    else events.emit('cancelled', () => ({ ...job, reason: CANCELLED }));
  }
  for (const dead of deadJobs) events.emit('warning', () => groupBlocked(dead));
  return reaped;
}
