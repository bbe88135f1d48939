import type { FleetPermits } from '../limits/fleet-permits.js';
import { FleetLimits, saysNothing } from '../limits/fleet-limits.js';
import { LimitKeeper } from '../limits/limit-keeper.js';
import type { Dispatcher } from '../claim/dispatcher.js';
import type { Intake } from '../claim/intake.js';
import type { WorkerLanes } from '../claim/worker-lanes.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';

interface LimitedParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
}

/** What a worker has of the limits across the fleet: its lanes obey them, and its claims are made under their shares. */
export function makeLimits(
  { storage, options, events }: LimitedParts,
  { lanes, intake, dispatcher }: { lanes: WorkerLanes; intake: Intake; dispatcher: Dispatcher },
  { wakePoller, wakeLimits }: { wakePoller: () => void; wakeLimits: () => void },
): LimitKeeper {
  const { limits, signals } = storage;
  const keeper = new LimitKeeper({
    limits,
    fleet: new FleetLimits({ storage, options, events }),
    pollIntervalMs: options.pollIntervalMs,
    lease: () => intake.lease,
    tell: (name, isRule = false) => signals.tellOfLimit(name, { isRule, onlyOthers: true }),
    onRoom: () => {
      dispatcher.startAll();
      wakePoller();
    },
    onEmptied: (emptied) => {
      for (const { id } of emptied) intake.giveBack(lanes.get(id)?.giveBack() ?? [], 'unstarted');
    },
    onChange: () => bindAnew(lanes, wakePoller),
    wake: wakeLimits,
    isUnpaced: options.isUnpaced,
  });
  const obeyed = ({ slots, row }: FleetPermits): boolean =>
    !options.isUnpaced || !(slots || saysNothing(row));
  lanes.limitsOf = ({ queue, settings }) => keeper.of(queue, settings.uses).filter(obeyed);
  lanes.onSlowDown = ({ queue, settings }, ms) => keeper.slowDown(queue, settings.uses, ms);
  return keeper;
}

/** What a claim without these limits has not found says nothing of what they keep from it. */
function bindAnew(lanes: WorkerLanes, wakePoller: () => void): void {
  lanes.bind();
  for (const lane of lanes.all()) lane.expectNews();
  wakePoller();
}

/** TypeORM's default pool, where neither `poolSize` nor `extra.max` says otherwise (that of `pg`). */
const DEFAULT_POOL = 10;

/** Handlers that hold a transaction take at most half of the application's pool: all of it, and a second query of each would wait for ever. */
export function transactionLimit({ dataSource }: Storage['database']): number {
  const options = dataSource.options as { poolSize?: number; extra?: { max?: number } };
  return Math.max(1, Math.floor((options.extra?.max ?? options.poolSize ?? DEFAULT_POOL) / 2));
}
