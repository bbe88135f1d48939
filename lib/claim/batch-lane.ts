import type { BatchOptions } from '../job/job-handler.js';
import type { Permits } from '../runtime/permits.js';
import type { Lane } from '../job/lane.js';
import type { Handler } from '../handlers/handler-registry.js';
import { JobBatch } from '../run/job-batch.js';
import type { InMs } from '../job/values/duration.js';
import type { JobRun } from '../run/job-run.js';
import type { QueuePolicy } from '../options/queue-policy.js';
import { MAX_AHEAD, WorkerLane } from './worker-lane.js';

interface BatchTerms {
  permits: readonly Permits[];
  batch: InMs<BatchOptions>;
  /** A batch that is not full has waited its time. */
  onDue: () => void;
}

/**
 * A lane whose handler takes several jobs in one call. A permit is one call, so it asks for `size` jobs per free permit. What lingers for more
 * waits where all claimed jobs wait, so that a cancel, a shutdown and a lost lease find it there.
 */
export class BatchLane extends WorkerLane {
  private readonly size: number;
  private readonly lingerMs: number;
  private readonly onDue: () => void;
  private readonly arrivedAt = new WeakMap<JobRun, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    lane: Lane,
    handler: Handler,
    settings: QueuePolicy,
    { permits, batch, onDue }: BatchTerms,
  ) {
    super(lane, handler, settings, permits);
    this.size = batch.size;
    this.lingerMs = batch.lingerMs ?? 0;
    this.onDue = onDue;
  }

  override get capacity(): number {
    return super.capacity * this.size;
  }

  override get canStart(): boolean {
    return (
      super.canStart && (this.buffered >= this.size || (this.heavy.size === 0 && this.restMs <= 0))
    );
  }

  /** A call takes `size` jobs for one permit. An empty lane claims no room for them before it has shown that there are any. */
  override get slack(): number {
    const idle = this.wasEmpty && this.held === 0;
    const room = idle ? 0 : (this.free || this.place) * (this.size - 1);
    return this.shareOf(this.jobsAhead + room - this.held);
  }

  override get wish(): number {
    return Math.ceil(super.wish / this.size);
  }

  override start(): JobBatch {
    const runs = [super.start() as JobRun];
    while (runs.length < this.size && this.buffered > 0) runs.push(this.next());
    this.promise();
    this.linger();
    return new JobBatch(this, runs);
  }

  override alone(run: JobRun): JobBatch {
    super.alone(run);
    return new JobBatch(this, [run]);
  }

  override add(run: JobRun): void {
    super.add(run);
    if (this.lingerMs === 0) return;
    this.arrivedAt.set(run, performance.now());
    this.linger();
  }

  override isStale(now: number, ms: number): boolean {
    return this.heavy.size === 0 && super.isStale(now, ms + this.lingerMs);
  }

  protected override get perCall(): number {
    return this.size;
  }

  protected override wantedOf(free: number): number {
    if (this.isPaused || this.isSated) return 0;
    const wanted = free * this.size + this.jobsAhead - this.held - this.expected;
    return wanted > 0 ? wanted : this.place * this.size;
  }

  protected override limited(wanted: number): number {
    return Math.min(wanted, super.limited(Math.ceil(wanted / this.size)) * this.size);
  }

  private get jobsAhead(): number {
    return this.ranges.length > 0 ? 0 : Math.min(MAX_AHEAD, this.ahead * this.size);
  }

  /** How long the first in line still waits for more. */
  private get restMs(): number {
    const since = this.first && this.arrivedAt.get(this.first);
    return since === undefined ? 0 : since + this.lingerMs - performance.now();
  }

  /** One timer per lane. Unreferenced: the loops keep a working process alive. */
  private linger(): void {
    const restMs = this.restMs;
    if (this.timer || restMs <= 0) return;
    const ring = (): void => {
      this.timer = undefined;
      if (this.restMs > 0) this.linger();
      else this.onDue();
    };
    this.timer = setTimeout(ring, restMs).unref();
  }
}
