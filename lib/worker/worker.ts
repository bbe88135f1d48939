import type { WorkerPulse } from '../health/queue-health.js';
import { DUTIES, type DutyName } from '../maintenance/duties.js';
import type { News } from '../maintenance/site.js';
import type { QueueLoad } from '../observability/telemetry.js';
import { Loop, type Round } from '../runtime/loop.js';
import { within } from '../runtime/within.js';
import type { Signal } from '../storage/wake-ups/signals.js';
import { LAST_WORDS_MS } from '../storage/storage.js';
import { ENDED } from '../storage/wake-ups/wake-up.js';
import { assemble, type Crew, type WorkerParts } from './crew.js';
import { unservedNames } from '../claim/unserved-names.js';
import { Shutdown, type Leave } from './shutdown.js';
import { workerName } from '../runtime/worker-name.js';
import { Watches } from './watches.js';
export type { WorkerParts } from './crew.js';

/** A signal of later jobs: soon, but not for each of a thousand. */
const LATER_MS = 50;
/** Settling and claiming must be back quickly when the database is. */
const MAX_POLL_REST_MS = 1_000;
/** A loop that fails so often in a row has met more than a moment's trouble. */
const MANY_ROUNDS = 3;

/** Those of no other place; the others turn the duties that any process may do. */
type OwnLoop =
  | 'poll'
  | 'pollBeside'
  | 'pollFair'
  | 'fetch'
  | 'fetchBeside'
  | 'settle'
  | 'settleBeside'
  | 'suspect'
  | 'limit'
  | 'beat';

/** What a working process does: owns the loops that turn the duties, their start and their stop. */
export class Worker {
  readonly name = workerName();
  readonly crew: Crew;
  private readonly watches: Watches;
  private readonly loops: Readonly<Record<OwnLoop | DutyName, Loop>>;
  private unsubscribe: () => void = () => undefined;

  constructor(private readonly parts: WorkerParts) {
    this.crew = assemble(parts, {
      name: this.name,
      wakePoller: () => this.wakePoller(),
      onHeavy: () => void (this.loops.fetch.wake() || this.loops.fetchBeside.wake()),
      wakeSettleQueue: () => this.wakeSettleQueue(),
      onCancel: (ids) => this.cancel(ids),
      onLost: () => this.onLeaseLost(),
      failing: () => this.pulse.failing,
      wakeLimits: () => void this.loops?.limit.wake(),
      wake: (duty, inMs = 0) => this.loops[duty].wakeIn(inMs),
      sweepsLater: true,
      apply: (news) => this.apply(news),
    });
    this.watches = new Watches(parts, this.crew.lanes);
    this.loops = this.makeLoops();
  }

  /** Lease and lanes first, then suspects while nothing else runs, then everything. Throws when the database stays away, or is away when it is `over`. */
  async start(over: AbortSignal): Promise<void> {
    const { lanes, heartbeat, intake, duties, limits } = this.crew;
    const { signals } = this.parts.storage;
    const served = <T>(work: () => Promise<T>) => this.parts.storage.served(work, over);
    await served(() => lanes.register());
    await served(() => heartbeat.take());
    await served(() => limits.open());
    const restMs = await served(() => duties.promote());
    if (limits.active.length > 0) await served(() => limits.round());
    const stops = [signals.receive((signal) => this.hear(signal)), signals.hearOfLimits((name, isRule) => this.hearOfLimit(name, isRule)), this.crew.directClaimer.open()]; // prettier-ignore
    this.unsubscribe = () => stops.forEach((stop) => stop());
    signals.startListening(this);
    // A lone suspect has the process to itself first; its round lets the others in.
    if (!this.crew.suspects.expectsLone) intake.resume();
    this.startLoops(restMs);
    this.emitStarted();
  }

  get pulse(): WorkerPulse {
    const { poll, pollBeside, beat, ...others } = this.loops;
    const { failures } = this.crew.poller;
    return {
      pollSilentMs: Math.max(failures.silentMs, Math.min(poll.silentMs, pollBeside.silentMs)),
      leaseSilentMs: this.crew.heartbeat.silentMs,
      // One poll loop is enough to work on.
      turningMs: Math.max(beat.turningMs, Math.min(poll.turningMs, pollBeside.turningMs)),
      failing: [failures, this.crew.heartbeat.failures, ...Object.values(others)]
        .filter(({ failed }) => failed.rounds >= MANY_ROUNDS)
        .map(({ name, silentMs, failed }) => ({ loop: name, silentMs, ...failed })),
    };
  }

  get load(): QueueLoad[] {
    return this.crew.lanes.load();
  }

  /** Does anything that this worker serves run, or could it run now? */
  async hasWork(): Promise<boolean> {
    const { settler, dispatcher, lanes, duties } = this.crew;
    if (lanes.isBehind) await duties.promote();
    const has = async (): Promise<boolean> =>
      !settler.isEmpty || !dispatcher.isIdle || this.parts.storage.claims.hasDue(lanes.openIds());
    if (await has()) return true;
    if (!lanes.takesTurns) return false;
    // There may be some in lanes that had no turn yet.
    await lanes.refresh();
    this.onNewLanes();
    this.loops.promote.wake();
    return has();
  }

  /** Claims nothing more and gives back what has not started. */
  stopClaiming(): void {
    this.crew.suspects.close();
    this.crew.intake.isPaused = true;
    this.crew.intake.giveBackWaiting('shutdown');
  }

  /** Lets what runs end, at most `graceMs` (or until `hurry` aborts), then aborts and releases the rest. `isLeaving`: with the application. */
  async drain(graceMs: number, { hurry, isLeaving = false }: Leave = {}): Promise<void> {
    const shutdown = new Shutdown(this.crew);
    const endsAt = performance.now() + graceMs;
    await within(this.crew.directClaimer.whenAnswered(), LAST_WORDS_MS);
    await shutdown.drain(Math.max(0, endsAt - performance.now()), hurry);
    await (isLeaving ? this.parts.storage.lastWords(() => this.end(shutdown)) : this.end(shutdown));
  }

  private async end(shutdown: Shutdown): Promise<void> {
    const { beat, ...others } = this.loops;
    await shutdown.flush(others);
    await Promise.allSettled([this.crew.limits.close(), this.crew.duties.tally()]);
    // Beats during the drain too, else the reaper would take the jobs being finished.
    await beat.stop();
    await this.crew.heartbeat.end().catch(() => undefined);
    this.unsubscribe();
    // What it knew of turns, permits and times others have to look up.
    this.parts.storage.signals.send({ lanes: [], ...ENDED });
    await this.parts.storage.signals.stopListening(this);
    const stopped = { worker: this.name, released: shutdown.released };
    this.parts.events.emit('workerStopped', () => stopped);
  }

  /** The promoter has had its first round, and has told those that have something to do. */
  private startLoops(promoterRestMs: number): void {
    for (const { name, told } of DUTIES) if (told) this.loops[name].start(Infinity);
    this.loops.promote.start(promoterRestMs);
    for (const loop of Object.values(this.loops)) loop.start();
  }

  private makeLoops(): Worker['loops'] {
    const { poller, fairPoller, arrivals, settleQueue, suspects, heartbeat, duties } = this.crew;
    const promote = () => this.watches.promote(duties.promote);
    const clean = () => this.watches.clean(duties.clean);
    const rounds = { ...duties, promote, clean };
    const shared = DUTIES.map(({ name, maxRestMs }) => [
      name,
      this.loop(name, rounds[name], maxRestMs),
    ]);
    return {
      ...(Object.fromEntries(shared) as Record<DutyName, Loop>),
      poll: this.loop('poll', () => poller.poll(), MAX_POLL_REST_MS),
      pollBeside: this.loop('poll', () => poller.poll(), MAX_POLL_REST_MS),
      pollFair: this.loop('pollFair', () => fairPoller.poll(), MAX_POLL_REST_MS),
      fetch: this.loop('fetch', () => arrivals.fetch(), MAX_POLL_REST_MS),
      fetchBeside: this.loop('fetch', () => arrivals.fetch(), MAX_POLL_REST_MS),
      settle: this.loop('settle', () => settleQueue.settle(), MAX_POLL_REST_MS),
      settleBeside: this.loop('settleBeside', () => settleQueue.settle(), MAX_POLL_REST_MS),
      suspect: this.loop('suspect', () => suspects.round()),
      limit: this.loop('limit', () => this.crew.limits.round(), MAX_POLL_REST_MS),
      beat: this.loop('beat', () => heartbeat.beat(), MAX_POLL_REST_MS),
    };
  }

  private loop(name: string, round: Round, maxRestMs?: number): Loop {
    const onError = (error: unknown, restMs: number) =>
      this.parts.events.emit('loopFailed', () => ({ loop: name, error, restMs }));
    return new Loop(name, round, { onError, maxRestMs });
  }

  /** One resting loop is enough; where both are under way, both look again. */
  private wakePoller(): void {
    if (!this.loops.poll.wake()) this.loops.pollBeside.wake();
    if (this.crew.fairPoller.isNeeded) this.loops.pollFair.wake();
  }

  /** The second loop helps only where batches follow each other: a failure seldom comes alone, a drain of ordered groups never. */
  private wakeSettleQueue(): void {
    if (!this.loops.settle.wake()) this.loops.settleBeside.wake();
  }

  private hear(signal: Signal): void {
    this.wakeFor(signal);
    if (signal.anywhere) this.look(undefined, signal.lateMs);
    else if (signal.lanes.length > 0) this.look(signal.lanes, signal.lateMs);
  }

  private look(ids?: number[], lateMs?: number): void {
    const { lanes, fairPoller } = this.crew;
    if (ids?.some((id) => lanes.isNew(id))) this.loops.promote.wake();
    fairPoller.expectNews(ids);
    for (const lane of lanes.all()) if (!ids || ids.includes(lane.id)) lane.expectNews(lateMs);
    this.lookForJobs();
  }

  /** Where the share is empty, or no starts are drawn, the poller has nothing to ask for. */
  private lookForJobs(): void {
    if (this.crew.limits.active.length > 0) this.loops.limit.wake();
    this.wakePoller();
  }

  private wakeFor(signal: Signal): void {
    if (signal.cancel) this.loops.beat.wake();
    if (signal.pauses) this.loops.promote.wake();
    if (signal.schedules) this.loops.tick.wake();
    if (signal.keyed) this.loops.permit.wake();
    if (signal.later) this.loops.promote.wakeIn(LATER_MS);
    if (signal.fair) this.lookForFair(signal.lanes);
  }

  /** What the rule is now the promoter's look says. */
  private hearOfLimit(name: string, isRule: boolean): void {
    this.crew.limits.hear(name);
    if (isRule) this.loops.promote.wake();
  }

  private lookForFair(lanes: number[]): void {
    const news = this.crew.fairPoller.newsOf(lanes);
    if (news) this.loops.promote.wakeIn(news === 'new' ? 0 : LATER_MS);
  }

  private cancel(ids: string[]): void {
    const wanted = new Set(ids);
    for (const run of this.crew.dispatcher.runs())
      if (wanted.has(run.id)) run.abort('JOB_CANCELLED', `Job ${run.id} was cancelled.`);
    for (const lane of this.crew.lanes.held())
      for (const id of ids) {
        const run = lane.removeWaiting(id);
        if (run) this.crew.intake.cancel(run);
      }
  }

  /** Others may hold the jobs by now. What has not started goes back (as far as it is still ours), what runs is asked to stop. */
  private onLeaseLost(): void {
    this.crew.intake.giveBackWaiting('unstarted');
    this.loops.limit.wake();
    const runs = this.crew.dispatcher.runs();
    this.parts.events.emit('leaseLapsed', () => ({ worker: this.name, jobs: runs.length }));
    const message = 'This process could not renew its lease; another one may run the job by now.';
    for (const run of runs) run.abort('LEASE_LOST', message);
  }

  private async apply(news: News): Promise<void> {
    const { lanes, suspects } = this.crew;
    this.applyPauses(news.pausedQueues);
    lanes.applyOutcomes(news.outcomeQueues);
    await this.crew.limits.learn(news.limits);
    if (await lanes.refresh(news.registry)) this.onNewLanes();
    if (!lanes.isWhole) await lanes.register();
    if (suspects.expect(news)) this.loops.suspect.wake();
    if (news.fair.length > 0) this.expectFair(news.fair);
  }

  private expectFair(lanes: number[]): void {
    this.crew.fairPoller.expect(lanes);
    this.loops.pollFair.wake();
  }

  /** What woke the poller for them came before it knew them, and the promoter has looked for suspects and fair queues in others. */
  private onNewLanes(): void {
    this.lookForJobs();
    // Every second other ones: they are reported, and looked through, in the time of these loops.
    if (this.crew.lanes.takesTurns) return;
    this.watches.onNewLanes();
    this.loops.beat.wake();
    this.loops.promote.wake();
  }

  /** What was claimed ahead from a paused queue goes back; what runs ends. */
  private applyPauses(pausedQueues: number[]): void {
    const { lanes, intake } = this.crew;
    const resumed = lanes.pause(pausedQueues);
    for (const lane of lanes.all())
      if (lane.isPaused) intake.giveBack(lane.giveBack(), 'unstarted');
    if (resumed.length === 0) return;
    this.look(resumed.map(({ id }) => id));
    // This round looked for suspects where it was open before.
    this.loops.promote.wake();
  }

  private emitStarted(): void {
    const { options, registry } = this.parts;
    for (const slip of unservedNames(options, registry.queueNames()))
      this.parts.events.emit('warning', () => ({ code: 'QUEUE_UNSERVED', message: `${slip}.` }));
    const queues = [...new Set(this.crew.lanes.all().map((lane) => lane.queue))];
    this.parts.events.emit('workerStarted', () => ({ worker: this.name, queues }));
  }
}
