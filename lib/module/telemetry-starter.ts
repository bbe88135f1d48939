import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { failureOf } from '../job/failure.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import type { QueueEventBus } from '../observability/events.js';
import type { LimitLoad, QueueDepth, QueueLoad, SpooledLoad } from '../observability/telemetry.js';
import type { SpoolState } from '../spool/state.js';
import { queueOfKeys } from '../job/limit.js';
import type { LimitShares } from '../storage/limits/limit.repository.js';
import { troublesOf } from '../troubles/troubles.js';

/** Nothing is counted beyond this. */
const MOST = 10_000;
/** Queues that are asked for, the first by name; beyond 200 names they are reported as one. */
const MOST_QUEUES = 1_000;

const MOST_LIMITS = 200;

const limitLoad = ({ name, concurrency, allotted, heldMs, shares }: LimitShares): LimitLoad => ({
  limit: name,
  ...(concurrency === null ? {} : { permits: concurrency }),
  given: allotted,
  wanted: shares.reduce((sum, { n, wanted }) => sum + Math.max(0, wanted - n), 0),
  restMs: heldMs,
});

const spooledLoad = ({ jobs, bytes, aside }: SpoolState): SpooledLoad => ({
  ...{ jobs, bytes },
  aside: aside.jobs,
});

interface TelemetryStarterParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
  worker: { readonly load: QueueLoad[] };
}

/** Starts the telemetry that was given with the application, and ends it with it. */
export class TelemetryStarter implements OnModuleInit, OnApplicationShutdown {
  private stop: (() => void) | undefined;

  constructor(private readonly parts: TelemetryStarterParts) {}

  onModuleInit(): void {
    const { storage, options, events, worker } = this.parts;
    if (!options.telemetry) return;
    const source = {
      instance: options.instance,
      events,
      load: () => worker.load,
      depths: () => this.depths(),
      limits: () => this.limits(),
      troubles: () => troublesOf(storage, options),
      ...(storage.spool && { spool: () => spooledLoad(storage.spool!.state) }),
    };
    this.guarded(() => (this.stop = options.telemetry!.start(source)));
  }

  onApplicationShutdown(): void {
    this.guarded(() => this.stop?.());
  }

  private async limits(): Promise<LimitLoad[]> {
    const rows = await this.parts.storage.limits.shares({});
    const whole = rows.filter(({ name }) => queueOfKeys(name) === undefined);
    return whole.slice(0, MOST_LIMITS).map(limitLoad);
  }

  private async depths(): Promise<QueueDepth[]> {
    const { queues, health } = this.parts.storage;
    const rows = await queues.list(MOST, { limit: MOST_QUEUES });
    const groups = new Map(
      (await health.blockedGroups()).map((blocked) => [blocked.queue, blocked.groups]),
    );
    const most = (jobs: number): number => Math.min(jobs, MOST);
    return rows.map(
      ({ queue, ready, running, scheduled, blocked, staged, dead, oldestReadyMs }) => ({
        queue,
        ...{ ready: most(ready), running: most(running), scheduled: most(scheduled) },
        ...{
          blocked: most(blocked),
          staged: most(staged),
          deadLetters: most(dead),
          blockedGroups: groups.get(queue) ?? 0,
        },
        ...(oldestReadyMs === null ? {} : { oldestReadyMs }),
      }),
    );
  }

  /** An application without its telemetry is better than none. */
  private guarded(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      const message = `The telemetry could not be started or ended: ${failureOf(error).message}`;
      this.parts.events.emit('warning', () => ({ code: 'TELEMETRY_FAILED', message }));
    }
  }
}
