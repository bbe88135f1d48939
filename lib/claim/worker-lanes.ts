import { type Lane, type Served, serves } from '../job/lane.js';
import type { QueueLoad } from '../observability/telemetry.js';
import type { Permits } from '../runtime/permits.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { LaneTurns } from '../storage/lanes/lane-turns.js';
import { MAX_LANES } from '../storage/lanes/lane-bounds.js';
import type { Lanes } from '../storage/lanes/lanes.js';
import { BatchLane } from './batch-lane.js';
import type { FleetPermits } from '../limits/fleet-permits.js';
import type { Handler, HandlerRegistry } from '../handlers/handler-registry.js';
import type { JobRun } from '../run/job-run.js';
import { PermitTiers } from './permit-tiers.js';
import { ownLanes, wishesOf } from './wished-lanes.js';
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
  /** How often somebody spoke of a lane that was never looked at, and up to which of them lanes are known. */
  private heard = 0;
  private known = 0;
  private lastLook: Promise<unknown> = Promise.resolve();
  private readonly heardOf = new Set<number>();
  private readonly policies: QueuePolicies;
  private readonly tiers: PermitTiers;
  private readonly served: Served;
  private readonly turns: LaneTurns;
  private paused: ReadonlySet<number> = new Set();
  private withOutcomes: ReadonlySet<number> = new Set();
  /** A batch has waited long enough for more; told to whoever starts runs. */
  onBatchDue: () => void = () => undefined;
  /** The limits across the fleet that a lane obeys. */
  limitsOf: (lane: WorkerLane) => FleetPermits[] = () => [];
  /** A handler was told to come later: its limits rest. */
  onSlowDown: (lane: Pick<WorkerLane, 'queue' | 'settings'>, ms: number) => void = () => undefined;
  /** What was claimed of a lane that is another one now. */
  onRenamed: (runs: JobRun[]) => void = () => undefined;
  /** The database does not know lanes of ours: whoever emptied its tables took the lease along, too. Before others are served. */
  onForgotten: () => Promise<unknown> = async () => undefined;

  constructor(
    private readonly lanes: Lanes,
    private readonly handlers: HandlerRegistry,
    private readonly options: ResolvedOptions,
    maxTransactions: number,
  ) {
    this.policies = new QueuePolicies(options);
    this.tiers = new PermitTiers(handlers, options, maxTransactions, this.policies);
    this.served = { queues: options.worker?.queues, labels: new Set(options.worker?.labels) };
    this.turns = new LaneTurns(lanes, this.served.labels);
  }

  all(): readonly WorkerLane[] {
    return this.list;
  }

  /** With those that are gone: what was claimed there waits here all the same. */
  held(): readonly WorkerLane[] {
    return this.gone.size === 0 ? this.list : [...this.list, ...this.gone.keys()];
  }

  get(id: number): WorkerLane | undefined {
    return this.byId.get(id);
  }

  /** Should this worker serve it, and has no handler for it? Its jobs wait, which somebody should know. */
  lacks(lane: Lane): boolean {
    return serves(this.served, lane) && !this.handlers.find(lane.queue, lane.name);
  }

  ids(): number[] {
    return this.list.map((lane) => lane.id);
  }

  /** Lanes that are not paused: what may be claimed. */
  openIds(): number[] {
    return this.list.filter((lane) => !lane.isPaused).map((lane) => lane.id);
  }

  /** Takes the paused queues, by id; answers the lanes that may be claimed again. */
  pause(queues: readonly number[]): WorkerLane[] {
    this.paused = new Set(queues);
    const resumed = this.list.filter((lane) => lane.isPaused && !this.paused.has(lane.queueId));
    for (const lane of this.list) lane.isPaused = this.paused.has(lane.queueId);
    return resumed;
  }

  /** Takes the queues, by id, whose ends are stored as jobs of others. */
  applyOutcomes(queues: readonly number[]): void {
    this.withOutcomes = new Set(queues);
    for (const lane of this.held()) lane.hasOutcomes = this.withOutcomes.has(lane.queueId);
  }

  /**
   * Jobs that may wait in this process, over all lanes: for free permits, and for those that will be free within moments. Where none is free
   * as many lanes may have a place in line as there are permits.
   */
  get room(): number {
    const { process } = this.tiers;
    let room = process.isQuick(performance.now() - QUICK_MS) ? process.limit : process.free;
    for (const lane of this.list) room += lane.slack;
    return room;
  }

  /** What runs and waits here, by queue. */
  load(): QueueLoad[] {
    const claimed = (name: string): number =>
      this.list.reduce((sum, { queue, buffered }) => sum + (queue === name ? buffered : 0), 0);
    const load = ([queue, { used, limit }]: [string, Permits]): QueueLoad => ({
      queue,
      running: used,
      claimed: claimed(queue),
      permits: limit,
    });
    return [...this.tiers.queues].map(load);
  }

  /** Permits of the process. */
  get free(): number {
    return this.tiers.process.free;
  }

  get concurrency(): number {
    return this.tiers.process.limit;
  }

  /**
   * Every handler's own lane is known from the start, so that its first job waits for no discovery. A pattern's queues are found as they
   * appear, and so is a lane that another transaction registers just now: no start waits for that.
   */
  async register(): Promise<void> {
    await this.refresh();
    const missing = ownLanes(this.handlers, this.served).filter(
      ({ queue, name }) => !this.has(queue, name),
    );
    if (missing.length === 0) return;
    await this.lanes.registerFree(missing);
    await this.refresh();
  }

  /**
   * Takes in lanes that appeared, and lets those go that the database does not know any more, or knows as something else. `registry`: asked only
   * where it is another one than before, or where somebody spoke of a lane that was never looked at, or in its time where lanes take turns.
   * True: it looked.
   */
  refresh(registry?: number): Promise<boolean> {
    // One after another: an older look that comes back later would let go what a younger one has found.
    const look = this.lastLook.then(() => this.look(registry));
    this.lastLook = look.catch(() => undefined);
    return look;
  }

  private async look(registry: number | undefined): Promise<boolean> {
    if (registry !== undefined && !this.isDue(registry)) return false;
    const { heard } = this;
    const served = await this.turns.read(wishesOf(this.handlers, this.served));
    if (this.turns.isCut) this.heardOf.clear();
    if (registry !== undefined) this.registry = registry;
    const isForgotten = this.retire(new Map(served.map((lane) => [lane.id, lane])));
    if (isForgotten && !this.turns.isCut) await this.onForgotten();
    for (const lane of served) if (!this.byId.has(lane.id)) this.adopt(lane);
    this.relist();
    this.known = heard;
    return true;
  }

  /** Limits have come, or gone. */
  bind(): void {
    for (const lane of this.byId.values()) lane.bind(this.limitsOf(lane));
  }

  private isDue(registry: number): boolean {
    return this.turns.isCut
      ? this.turns.isDue(this.isIdle)
      : registry !== this.registry || this.isBehind;
  }

  /** Somebody spoke of a lane that is not served yet; also while the look for it is under way. */
  get isBehind(): boolean {
    return this.heard > this.known;
  }

  private get isIdle(): boolean {
    return this.list.every((lane) => lane.wasEmpty && lane.held === 0);
  }

  private relist(): void {
    this.list = [...this.byId.values()].filter((lane) => !this.gone.has(lane));
  }

  /** It serves more lanes than it asks for at once. */
  get takesTurns(): boolean {
    return this.turns.isCut;
  }

  /** Have all handlers with a name and a queue of their own their lanes? */
  get isWhole(): boolean {
    return ownLanes(this.handlers, this.served).every(({ queue, name }) => this.has(queue, name));
  }

  /** Somebody spoke of this lane; true: nobody has looked at it yet. */
  isNew(id: number): boolean {
    if (this.byId.has(id) || this.heardOf.has(id)) return false;
    if (this.heardOf.size >= MAX_LANES) this.heardOf.clear();
    this.heardOf.add(id);
    this.heard++;
    return true;
  }

  private has(queue: string, name: string): boolean {
    return this.list.some(
      (lane) => lane.queue === queue && lane.name === name && lane.labels.length === 0,
    );
  }

  /** True: one is gone that was there before. A claim under way may still bring jobs of it; after a minute none does. */
  private retire(served: ReadonlyMap<number, Lane>): boolean {
    const now = performance.now();
    const before = this.gone.size;
    for (const [id, lane] of this.byId) {
      const known = served.get(id);
      if (known && isSame(known, lane)) this.gone.delete(lane);
      else if (!this.gone.has(lane)) this.gone.set(lane, now);
      // Its number means another lane now: that one's handler runs what was claimed of it.
      if (known && !isSame(known, lane)) this.rename(lane);
    }
    const isNews = this.gone.size > before;
    for (const [lane, since] of this.gone)
      if (now - since > GONE_MS || this.gone.size > MAX_LANES) this.forget(lane);
    this.relist();
    return isNews;
  }

  private rename(lane: WorkerLane): void {
    this.byId.delete(lane.id);
    lane.bind([]);
    this.onRenamed(lane.giveBack());
  }

  private forget(lane: WorkerLane): void {
    if (lane.held + lane.expected > 0) return;
    lane.bind([]);
    if (this.byId.get(lane.id) === lane) this.byId.delete(lane.id);
    this.gone.delete(lane);
  }

  private adopt(lane: Lane): void {
    const handler = this.handlers.find(lane.queue, lane.name);
    if (!handler) return;
    const adopted = this.laneOf(lane, handler, this.tiers.of(lane.queue, handler));
    adopted.isPaused = this.paused.has(lane.queueId);
    adopted.hasOutcomes = this.withOutcomes.has(lane.queueId);
    adopted.bind(this.limitsOf(adopted));
    this.byId.set(lane.id, adopted);
  }

  private laneOf(lane: Lane, handler: Handler, permits: Permits[]): WorkerLane {
    const policy = this.policies.handledBy(handler.options, lane.queue);
    const { batch: given } = handler.options;
    const batch = given && this.options.isUnpaced ? { ...given, lingerMs: 0 } : given;
    if (!batch) return new WorkerLane(lane, handler, policy, permits);
    return new BatchLane(lane, handler, policy, { permits, batch, onDue: () => this.onBatchDue() });
  }
}

const isSame = (one: Lane, other: Lane): boolean =>
  one.queueId === other.queueId &&
  one.queue === other.queue &&
  one.name === other.name &&
  one.labels.join() === other.labels.join();
