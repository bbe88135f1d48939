import { freeOf, type Permits } from '../runtime/permits.js';
import type { Lane } from '../job/lane.js';
import type { Handler } from '../handlers/handler-registry.js';
import type { FleetPermits, LimitedLane } from '../limits/fleet-permits.js';
import { Cursor, type Look } from './cursor.js';
import { FleetBounds } from './fleet-bounds.js';
import type { JobBatch } from '../run/job-batch.js';
import type { JobRun } from '../run/job-run.js';
import { Rate } from './rate.js';
import { WaitingRuns } from './waiting-runs.js';
import { SharedPermits } from './shared-permits.js';
import type { QueuePolicy } from '../options/queue-policy.js';

/** Work claimed ahead should start within this time at the lane's measured rate. */
const AHEAD_MS = 20;
export const MAX_AHEAD = 1_000;
const FIRST_BURST = 5;
/** A permit that quick work took within this time will be free again in a moment. */
export const QUICK_MS = 200;

/** A run that was claimed here. */
export type LaneRun = JobRun<WorkerLane>;

/** A lane as this worker works it: its handler, what waits in memory, where the next claim starts. */
export class WorkerLane extends WaitingRuns<LaneRun> implements Lane, LimitedLane {
  readonly id: number;
  readonly queueId: number;
  readonly queue: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly cursor = new Cursor();
  /** Its queue is paused: nothing is claimed, what runs goes on. */
  isPaused = false;
  /** The ends of its jobs are stored as jobs of another queue. */
  hasOutcomes = false;
  /** Asked for by claims under way. */
  expected = 0;
  /** When to look for jobs again (monotonic milliseconds); 0: now. */
  lookAt = 0;
  hasNews = false;
  /** The last claim brought fewer than it asked for. */
  wasEmpty = true;
  /** To claim ahead while nothing is measured: doubled as long as each claim has ended before the next arrives. */
  private burst = FIRST_BURST;
  private measuredSinceClaim = false;
  private startedAt = 0;
  private running = 0;
  private readonly rate = new Rate();
  /** Those of its permits that ask for more only below a bound. */
  protected readonly ranges: readonly Permits[];
  shared: SharedPermits;
  /** All that a run takes: the tiers of this process, and its limits across the fleet. */
  permits: readonly Permits[];
  readonly fleet = new FleetBounds();

  constructor(
    lane: Lane,
    readonly handler: Handler,
    readonly settings: QueuePolicy,
    /** The tiers of this process that bound the lane: process, queue, handler, open transactions. */
    private readonly tiers: readonly Permits[],
  ) {
    super();
    ({
      id: this.id,
      queueId: this.queueId,
      queue: this.queue,
      name: this.name,
      labels: this.labels,
    } = lane);
    this.permits = tiers;
    this.shared = new SharedPermits(tiers.slice(1));
    this.ranges = tiers.filter((permit) => permit.refillBelow < permit.limit);
  }

  bind(limits: readonly FleetPermits[]): void {
    this.fleet.bind(limits, this, this.running);
    this.permits = limits.length > 0 ? [...this.tiers, ...limits] : this.tiers;
    this.shared = new SharedPermits(this.tiers.slice(1), limits);
  }

  /** How many jobs it may run at once. */
  get capacity(): number {
    return Math.min(...this.permits.map(({ limit }) => limit));
  }

  /** A job that comes now would be the first in line, and run at once. */
  get isHungry(): boolean {
    if (!this.wasEmpty || this.buffered > 0 || this.wanted <= 0) return false;
    return this.callsOf(this.held + this.expected + 1) <= this.unpromised;
  }

  get canStart(): boolean {
    return this.buffered > 0 && this.free > 0;
  }

  /** One of its permits has just come free, and nobody has taken it yet. */
  get hasLastPermit(): boolean {
    return this.permits.some((permit) => permit.free === 1);
  }

  /** Work (in calls) to hold ready beyond what may run now: what will start within moments, at the measured rate. */
  get ahead(): number {
    if (this.heavy.isEnough) return 0;
    const started = this.burst > FIRST_BURST ? this.burst : 0;
    return Math.min(MAX_AHEAD, Math.max(started, Math.floor(this.rate.perMs * AHEAD_MS)));
  }

  /** Room that the lane has in memory, beside its share of what the process may run; negative: what it takes of that. */
  get slack(): number {
    return this.shareOf(this.ahead - this.held);
  }

  /** How many jobs a claim should bring: what may run now and what will start within moments. */
  get wanted(): number {
    return this.limited(this.wantedOf(this.unpromised));
  }

  /** The same without the limits of the fleet, where it is worth asking now. */
  get wish(): number {
    if (this.lookAt > performance.now()) return 0;
    return this.wantedOf(Math.max(0, Math.min(freeOf(this.tiers), this.shared.unpromisedHere)));
  }

  get narrowest(): Permits {
    return this.tiers.reduce((least, permit) => (permit.limit < least.limit ? permit : least));
  }

  /** Takes the next waiting job and all its permits. */
  start(): JobRun | JobBatch {
    const run = this.next();
    this.startedAt = performance.now();
    const quickAt = this.ahead > 0 ? this.startedAt : undefined;
    for (const permit of this.permits) permit.take(quickAt);
    this.running++;
    this.promise();
    return run;
  }

  /** As one call of the handler: what runs although it never waited here. Whatever the tiers of this process say, the fleet's limits hold. */
  alone(run: JobRun): JobRun | JobBatch {
    this.fleet.take();
    return run;
  }

  ended(now: number): void {
    for (const permit of this.permits) permit.giveBack();
    this.running--;
    if (!this.rate.ended(now, this.isIdle)) return;
    this.burst = FIRST_BURST;
    this.measuredSinceClaim = true;
  }

  /** A wake-up: look at once, and once more where a claim is under way that may have left before the news. */
  expectNews(lateMs?: number): void {
    this.lookAt = 0;
    this.hasNews = true;
    this.cursor.expectNews(lateMs);
  }

  /** Claims look further back: see `Cursor`. */
  onTurnsPassed(): void {
    this.cursor.loosen();
  }

  /** How long handlers may run jobs of a group one after another past what waits for a claim. Limits of the fleet, and ranges, let in each by itself. */
  get followMs(): number {
    if (this.isPaused || this.fleet.permits.length > 0 || this.ranges.length > 0) return 0;
    return this.wasEmpty && !this.hasNews ? 200 : 20;
  }

  lookedFor(): void {
    this.ask(0);
  }

  foundEmpty(nextLookAt: number): void {
    this.answered(0, { short: true, nextLookAt });
  }

  /** A claim leaves that asks for this many. */
  ask(wanted: number): void {
    this.expected += wanted;
    this.hasNews = false;
  }

  /** It came back; an empty lane is left alone until `nextLookAt`, unless there was news meanwhile. */
  answered(wanted: number, { short, nextLookAt }: { short: boolean; nextLookAt: number }): void {
    this.expected -= wanted;
    if (short) this.burst = FIRST_BURST;
    else if (!this.wasEmpty && this.isIdle && !this.measuredSinceClaim) this.burst *= 2;
    this.wasEmpty = short;
    this.measuredSinceClaim = false;
    this.lookAt = short && !this.hasNews ? nextLookAt : 0;
  }

  /** It came back without having come to this lane: ask again. */
  unanswered(wanted: number, look: Look): void {
    this.expected -= wanted;
    this.lookAt = 0;
    this.cursor.missed(look);
  }

  add(run: JobRun): void {
    if (this.buffered === 0) this.startedAt = performance.now();
    if (this.isIdle) this.rate.began();
    this.waiting.push(run);
  }

  /** Everything that has not started: given back at stop, or dropped when the lease is lost. */
  giveBack(): JobRun[] {
    const runs = [...this.compact().splice(0), ...this.heavy.removeAll()];
    this.promise();
    return runs;
  }

  /** Jobs wait, and none has started for `ms`: the handler became slower than it was measured. */
  isStale(now: number, ms: number): boolean {
    return this.buffered > 0 && now - this.startedAt > ms;
  }

  /** All that waits where nothing has started for `ms`, or what would not start within it at the measured rate. */
  giveBackStale(now: number, ms: number): JobRun[] {
    const isStale = this.isStale(now, ms);
    if (isStale) this.rate.perMs = 0;
    return this.compact().splice(isStale ? 0 : this.startsWithin(ms));
  }

  /** What its claims hold, and will surely bring, takes permits of others: beyond what starts within moments. Said with each start, too: limits ask for wishes between two claims. */
  promise(): void {
    const surely = this.wasEmpty ? this.held : this.held + this.expected;
    this.shared.promise(this.callsOf(surely) - this.ahead);
  }

  /** Calls that will be made of what is here and on its way. */
  get coming(): number {
    return this.callsOf(this.held + this.expected);
  }

  protected get perCall(): number {
    return 1;
  }

  callsOf(jobs: number): number {
    return Math.ceil(jobs / this.perCall);
  }

  private startsWithin(ms: number): number {
    if (this.free > 0 || this.rate.perMs === 0) return Infinity;
    return Math.ceil(Math.max(1, this.ahead + this.rate.perMs * ms)) * this.perCall;
  }

  /**
   * What an overfull lane takes from others: of the permits that are free what it can use, and where it has none a place in line, as long as
   * it runs nothing. What it holds beyond its own limit takes nothing from anybody.
   */
  protected shareOf(slack: number): number {
    if (slack >= 0) return slack;
    return this.free > 0 ? -Math.min(-slack, this.free) : this.running > 0 ? 0 : -1;
  }

  /** What is free for more than is claimed already, here or in lanes that share its permits. */
  protected get unpromised(): number {
    return Math.max(0, Math.min(this.free, this.shared.unpromised));
  }

  protected wantedOf(free: number): number {
    if (this.isPaused || this.isSated) return 0;
    const wanted =
      this.ranges.length > 0 ? free - this.coming : free + this.ahead - this.held - this.expected;
    return wanted > 0 ? wanted : this.place;
  }

  protected limited(wanted: number): number {
    return this.fleet.limited(wanted);
  }

  /**
   * A place in line: 1 where the lane holds nothing, and what others hold ahead takes each permit before a claim sees it free. What holds a
   * place gets the next one in its turn.
   */
  protected get place(): number {
    if (this.coming > 0) return 0;
    const since = performance.now() - QUICK_MS;
    const isClosed = (to: Permits): boolean => to.free <= to.promised && !to.isQuick(since);
    return this.permits.some(isClosed) ? 0 : 1;
  }

  /** A range is asked for more only below its lower bound. */
  protected get isSated(): boolean {
    return this.ranges.some((permit) => permit.used + this.coming >= permit.refillBelow);
  }

  protected get free(): number {
    return freeOf(this.permits);
  }

  private get isIdle(): boolean {
    return this.running === 0 && this.buffered === 0;
  }
}
