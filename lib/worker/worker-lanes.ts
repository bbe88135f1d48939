import { rangeOf } from '../job/concurrency.js';
import { NO_LABELS } from '../job/labels.js';
import { isPattern } from '../job/queue-pattern.js';
import { serves, type Served } from '../job/served.js';
import type { QueueLoad } from '../observability/telemetry.js';
import { QueueError } from '../job/queue.errors.js';
import { Permits } from '../runtime/permits.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { MAX_LANES, type Lane, type LaneName, type Lanes, type ServedLanes } from '../storage/lanes.js';
import { BatchLane } from './batch-lane.js';
import type { Handler, HandlerRegistry } from './handler-registry.js';
import { QUICK_MS, WorkerLane } from './worker-lane.js';

/** Longer than any claim is under way. */
const GONE_MS = 60_000;

/** The lanes that this worker serves, and the permits that bound them: process, queue, handler, open transactions. */
export class WorkerLanes {
  private readonly byId = new Map<number, WorkerLane>();
  private list: WorkerLane[] = [];
  /** Those of them that the database does not know any more, and since when. */
  private readonly gone = new Map<WorkerLane, number>();
  /** As it was at the last look. */
  private registry: number | undefined;
  /** Somebody spoke of a lane that was never looked at. */
  isBehind = false;
  private readonly heardOf = new Set<number>();
  private readonly policies: QueuePolicies;
  private readonly process: Permits;
  private readonly transactions: Permits;
  private readonly queues = new Map<string, Permits>();
  private readonly bounds = new Map<object, Permits>();
  private readonly served: Served;
  private paused: ReadonlySet<number> = new Set();
  /** A batch has waited long enough for more; told to whoever starts runs. */
  onBatchDue: () => void = () => undefined;
  /** The database does not know lanes of ours: whoever emptied its tables took the lease along, too. Before others are served. */
  onForgotten: () => Promise<unknown> = async () => undefined;

  constructor(
    private readonly lanes: Lanes,
    private readonly handlers: HandlerRegistry,
    private readonly options: ResolvedOptions,
    /** Handlers with a transaction of their own may take half of the DataSource's connections, no more. */
    maxTransactions: number,
  ) {
    this.policies = new QueuePolicies(options);
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

  /** Should this worker serve it, and has no handler for it? Its jobs wait, which somebody should know. */
  lacks(lane: Lane): boolean {
    return serves(this.served, lane) && !this.handlers.find(lane.queue, lane.name);
  }

  ids(): number[] {
    return this.list.map((lane) => lane.lane.id);
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

  /**
   * Every handler's own lane is known from the start, so that its first job waits for no discovery. A pattern's queues are found as they
   * appear, and so is a lane that another transaction registers just now: no start waits for that.
   */
  async register(): Promise<void> {
    await this.refresh();
    const missing = this.ownNames().filter(({ queue, name }) => !this.has(queue, name));
    if (missing.length === 0) return;
    await this.registerAll(missing);
    await this.refresh();
  }

  /**
   * Takes in lanes that appeared, and lets those go that the database does not know any more. `registry`: asked only where it is another one
   * than before, or where somebody spoke of a lane that was never looked at. True: it looked.
   */
  async refresh(registry?: number): Promise<boolean> {
    if (registry !== undefined && registry === this.registry && !this.isBehind) return false;
    this.isBehind = false;
    const served = (await this.lanes.served(this.wishes())).filter((lane) => serves(this.served, lane));
    if (registry !== undefined) this.registry = registry;
    if (this.retire(new Set(served.map((lane) => lane.id)))) await this.onForgotten();
    for (const lane of served) if (!this.byId.has(lane.id)) this.adopt(lane);
    this.relist();
    return true;
  }

  private relist(): void {
    this.list = [...this.byId.values()].filter((lane) => !this.gone.has(lane));
  }

  /** Have all handlers with a name and a queue of their own their lanes? */
  get isWhole(): boolean {
    return this.ownNames().every(({ queue, name }) => this.has(queue, name));
  }

  /** Somebody spoke of this lane; true: nobody has looked at it yet. */
  isNew(id: number): boolean {
    if (this.byId.has(id) || this.heardOf.has(id)) return false;
    if (this.heardOf.size >= MAX_LANES) this.heardOf.clear();
    this.heardOf.add(id);
    return (this.isBehind = true);
  }

  private has(queue: string, name: string): boolean {
    return this.list.some(({ lane }) => lane.queue === queue && lane.name === name && lane.labels.length === 0);
  }

  private ownNames(): { queue: string; name: string }[] {
    const own = this.handlers.all().filter(({ queue }) => !isPattern(queue) && serves(this.served, { queue, labels: NO_LABELS }));
    return own.map(({ queue, name = '' }) => ({ queue, name }));
  }

  private wishes(): ServedLanes[] {
    return this.handlers.all().map(({ queue, name }) => ({ queue, name }));
  }

  /** All at once; where one of them is being registered elsewhere, each by itself, and that one is left for later. */
  private async registerAll(names: LaneName[]): Promise<void> {
    try {
      await this.lanes.register(names, 0);
    } catch (error) {
      if (!isBlocked(error)) throw error;
      for (const name of names.length > 1 ? names : []) await this.lanes.register([name], 0).catch(passOver);
    }
  }

  /** True: one is gone that was there before. A claim under way may still bring jobs of it; after a minute none does. */
  private retire(served: ReadonlySet<number>): boolean {
    const now = performance.now();
    const before = this.gone.size;
    for (const [id, lane] of this.byId) if (!served.has(id) && !this.gone.has(lane)) this.gone.set(lane, now);
    const isNews = this.gone.size > before;
    for (const [lane, since] of this.gone)
      if (now - since > GONE_MS && lane.buffered + lane.expected === 0) {
        this.byId.delete(lane.lane.id);
        this.gone.delete(lane);
      }
    this.relist();
    return isNews;
  }

  private adopt(lane: Lane): void {
    const handler = this.handlers.find(lane.queue, lane.name);
    if (!handler) return;
    const permits = [this.process, this.queuePermits(lane.queue), ...this.handlerPermits(handler)];
    const adopted = this.laneOf(lane, handler, permits);
    adopted.isPaused = this.paused.has(lane.queueId);
    this.byId.set(lane.id, adopted);
  }

  private laneOf(lane: Lane, handler: Handler, permits: Permits[]): WorkerLane {
    const policy = this.policies.handledBy(handler.options, lane.queue);
    const { batch } = handler.options;
    if (!batch) return new WorkerLane(lane, handler, policy, permits);
    return new BatchLane(lane, handler, policy, { permits, batch, onDue: () => this.onBatchDue() });
  }

  /** Where only the handler says how many, its word is the queue's bound too: 10 must not cap a handler that asks for 50. */
  private queuePermits(queue: string): Permits {
    let permits = this.queues.get(queue);
    if (!permits) {
      const own = this.policies.of(queue).concurrency;
      const { min, max } = rangeOf(own ?? Math.max(this.options.queueConcurrency, this.askedFor(queue)));
      this.queues.set(queue, (permits = new Permits(max, min)));
    }
    return permits;
  }

  /** How many jobs of a queue its handlers ask for together. */
  private askedFor(queue: string): number {
    const bounds = new Map(this.handlers.of(queue).map(({ bound, options }) => [bound, rangeOf(options.concurrency ?? 0).max]));
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

const isBlocked = (error: unknown): boolean => error instanceof QueueError && error.code === 'TRANSACTION_CONFLICT';

function passOver(error: unknown): void {
  if (!isBlocked(error)) throw error;
}
