import { rangeOf } from '../job/concurrency.js';
import { NO_LABELS } from '../job/labels.js';
import { isPattern } from '../job/queue-pattern.js';
import { serves, type Served } from '../job/served.js';
import type { QueueLoad } from '../observability/telemetry.js';
import { Permits } from '../runtime/permits.js';
import type { ResolvedOptions } from '../simple-queue.options.js';
import type { Lane, Lanes } from '../storage/lanes.js';
import { BatchLane } from './batch-lane.js';
import type { Handler, HandlerRegistry } from './handler-registry.js';
import { laneSettings } from './lane-settings.js';
import { QUICK_MS, WorkerLane } from './worker-lane.js';

/** The lanes that this worker serves, and the permits that bound them: process, queue, handler, open transactions. */
export class WorkerLanes {
  private readonly byId = new Map<number, WorkerLane>();
  private list: WorkerLane[] = [];
  private newest = 0;
  private readonly process: Permits;
  private readonly transactions: Permits;
  private readonly queues = new Map<string, Permits>();
  private readonly bounds = new Map<object, Permits>();
  private readonly served: Served;
  private paused: ReadonlySet<number> = new Set();
  /** A batch has waited long enough for more; told to whoever starts runs. */
  onBatchDue: () => void = () => undefined;

  constructor(
    private readonly lanes: Lanes,
    private readonly registry: HandlerRegistry,
    private readonly options: ResolvedOptions,
    /** Handlers with a transaction of their own may take half of the DataSource's connections, no more. */
    maxTransactions: number,
  ) {
    this.process = new Permits(options.concurrency);
    this.transactions = new Permits(maxTransactions);
    this.served = { queues: options.worker?.queues, labels: new Set(options.worker?.labels) };
  }

  all(): readonly WorkerLane[] {
    return this.list;
  }

  get(id: number): WorkerLane | undefined {
    return this.byId.get(id);
  }

  /** Lanes that this worker should serve and has no handler for: their jobs wait, which somebody should know. */
  unhandled(): Lane[] {
    return this.lanes.all().filter((lane) => serves(this.served, lane) && !this.byId.has(lane.id));
  }

  ids(): number[] {
    return [...this.byId.keys()];
  }

  /** Lanes that are not paused: what may be claimed. */
  openIds(): number[] {
    return this.list.filter((lane) => !lane.isPaused).map((lane) => lane.lane.id);
  }

  /** Takes the paused queues, by id; answers the lanes that may be claimed again. */
  pause(queues: readonly number[]): WorkerLane[] {
    this.paused = new Set(queues);
    const resumed = this.list.filter((lane) => lane.isPaused && !this.paused.has(lane.lane.queueId));
    for (const lane of this.list) lane.isPaused = this.paused.has(lane.lane.queueId);
    return resumed;
  }

  /**
   * Jobs that may wait in this process, over all lanes: for free permits, and for those that will be free within moments. Where none is free
   * as many lanes may have a place in line as there are permits.
   */
  get room(): number {
    let room = this.process.isQuick(performance.now() - QUICK_MS) ? this.process.limit : this.process.free;
    for (const lane of this.list) room += lane.slack;
    return room;
  }

  /** What runs and waits here, by queue. */
  load(): QueueLoad[] {
    const claimed = (name: string): number =>
      this.list.reduce((sum, { lane, buffered }) => sum + (lane.queue === name ? buffered : 0), 0);
    const load = ([queue, { used, limit }]: [string, Permits]): QueueLoad => ({
      queue,
      running: used,
      claimed: claimed(queue),
      permits: limit,
    });
    return [...this.queues].map(load);
  }

  get concurrency(): number {
    return this.process.limit;
  }

  /** Every handler's own lane is known from the start, so that its first job waits for no discovery. A pattern's queues are found as they appear. */
  async register(): Promise<void> {
    const served = this.registry
      .all()
      .filter(({ queue }) => !isPattern(queue) && serves(this.served, { queue, labels: NO_LABELS }));
    await this.lanes.register(served.map((handler) => ({ queue: handler.queue, name: handler.name ?? '' })));
    await this.refresh();
  }

  /** Takes in lanes that appeared up to `newest`; true when there were any. This process may have registered them itself. */
  async refresh(newest = Infinity): Promise<boolean> {
    if (newest <= this.newest) return false;
    if (newest > this.lanes.newest()) await this.lanes.refresh();
    for (const lane of this.lanes.all()) if (!this.byId.has(lane.id)) this.adopt(lane.id);
    this.list = [...this.byId.values()];
    this.newest = this.lanes.newest();
    return true;
  }

  /** Was this lane looked at, whether it is served or not? */
  knows(id: number): boolean {
    return id <= this.newest;
  }

  private adopt(id: number): void {
    const lane = this.lanes.get(id)!;
    const handler = serves(this.served, lane) ? this.registry.find(lane.queue, lane.name) : undefined;
    if (!handler) return;
    const permits = [this.process, this.queuePermits(lane.queue), ...this.handlerPermits(handler)];
    const adopted = this.laneOf(lane, handler, permits);
    adopted.isPaused = this.paused.has(lane.queueId);
    this.byId.set(id, adopted);
  }

  private laneOf(lane: Lane, handler: Handler, permits: Permits[]): WorkerLane {
    const settings = laneSettings(handler, lane.queue, this.options);
    const { batch } = handler.options;
    if (!batch) return new WorkerLane(lane, handler, settings, permits);
    return new BatchLane(lane, handler, settings, { permits, batch, onDue: () => this.onBatchDue() });
  }

  /** Where only the handler says how many, its word is the queue's bound too: 10 must not cap a handler that asks for 50. */
  private queuePermits(queue: string): Permits {
    let permits = this.queues.get(queue);
    if (!permits) {
      const own = this.options.queues.get(queue)?.concurrency;
      const { min, max } = rangeOf(own ?? Math.max(this.options.queueConcurrency, this.askedFor(queue)));
      this.queues.set(queue, (permits = new Permits(max, min)));
    }
    return permits;
  }

  /** How many jobs of a queue its handlers ask for together. */
  private askedFor(queue: string): number {
    const bounds = new Map(this.registry.of(queue).map(({ bound, options }) => [bound, rangeOf(options.concurrency ?? 0).max]));
    return [...bounds.values()].reduce((sum, concurrency) => sum + concurrency, 0);
  }

  private handlerPermits({ bound, options }: Handler): Permits[] {
    let own = this.bounds.get(bound);
    if (options.concurrency !== undefined && !own) {
      const { min, max } = rangeOf(options.concurrency);
      this.bounds.set(bound, (own = new Permits(max, min)));
    }
    return [...(own ? [own] : []), ...(options.transactional ? [this.transactions] : [])];
  }
}
