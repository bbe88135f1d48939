import { isTemplate, type JobTarget } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { DUTIES } from '../maintenance/duties.js';
import type { News } from '../maintenance/site.js';
import type { Signal } from '../storage/wake-ups/signals.js';
import { claimedRow } from '../storage/claim/row-mapper.js';
import { SHARD } from '../storage/connection/shard.js';
import { assemble, type Crew, type WorkerParts } from '../worker/crew.js';
import type { JobRun } from '../run/job-run.js';
import { Shutdown } from '../worker/shutdown.js';
import type { LaneRun, WorkerLane } from '../claim/worker-lane.js';
import { workerName } from '../runtime/worker-name.js';
import { RunWatch, type RanJob } from './run-watch.js';
import { CLAIM_NEXT } from './sql/claim-next.sql.js';

const nothing = (): void => undefined;

/** A worker without loops: its duties are turned by hand, and it runs one job at a time, by the parts that every worker runs jobs by. */
export class HandWorker {
  private readonly crew: Crew;
  private unsubscribe = nothing;

  constructor(private readonly parts: WorkerParts) {
    this.crew = assemble(parts, {
      name: workerName(),
      wakePoller: nothing,
      wakeSettleQueue: nothing,
      onHeavy: nothing,
      onCancel: (ids) => this.cancel(ids),
      onLost: () => this.abortAll(),
      wakeLimits: nothing,
      wake: nothing,
      failing: () => [],
      inTimeMs: Infinity,
      apply: (news) => this.apply(news),
    });
  }

  /** Takes a lease, does the work, and ends the lease. */
  static async with<Result>(
    parts: WorkerParts,
    work: (worker: HandWorker) => Promise<Result>,
  ): Promise<Result> {
    const worker = new HandWorker(parts);
    await worker.open();
    try {
      return await work(worker);
    } finally {
      await worker.close();
    }
  }

  /** Runs the most urgent due job that this application serves to the end of its run; undefined: nothing is due. */
  async next(target: JobTarget | undefined, timeoutMs: number): Promise<RanJob | undefined> {
    const run = await this.claim(target);
    if (!run) return undefined;
    const watch = new RunWatch(this.parts.events, run);
    try {
      await this.process(run, timeoutMs);
      await new Shutdown(this.crew).flush();
      return watch.ended();
    } finally {
      watch.stop();
    }
  }

  /** The same, and dies with the answer: what the handler did is done, and the database hears nothing of it until the lease lapses. */
  async crash(target: JobTarget | undefined, timeoutMs: number): Promise<RanJob | undefined> {
    const run = await this.claim(target);
    if (!run) return undefined;
    await this.process(run, timeoutMs);
    const { id, queue, name, attempt } = run;
    return { id, queue, name, attempt, outcome: 'crashed' };
  }

  /** What any process does in time without running a job, until each duty rests. `clean` lets go of what has been kept long enough. */
  async turnDuties({ clean = false } = {}): Promise<void> {
    const { duties } = this.crew;
    for (const { name } of DUTIES)
      if (clean || name !== 'clean') while ((await duties[name]()) === 0);
  }

  /** Does a lane of this target have a handler here? */
  async serves(target: JobTarget | undefined): Promise<boolean> {
    await this.crew.lanes.register();
    return this.lanesOf(target).length > 0;
  }

  private async open(): Promise<void> {
    await this.crew.lanes.register();
    await this.crew.heartbeat.take();
    this.unsubscribe = this.parts.storage.signals.receive((signal) => this.hear(signal));
  }

  private async close(): Promise<void> {
    this.unsubscribe();
    await this.crew.limits.close();
    await this.crew.heartbeat.end();
  }

  private async claim(target: JobTarget | undefined): Promise<LaneRun | undefined> {
    await this.turnDuties();
    const { heartbeat, intake } = this.crew;
    if (!intake.lease) await heartbeat.beat();
    const { loops } = this.parts.storage.database;
    const open = this.lanesOf(target).filter((lane) => !lane.isPaused);
    const key = intake.nextKey(false)!;
    const values = [SHARD, key.claimId, open.map(({ id }) => id), key.lease];
    const rows = await intake.ask(key, 1, () => loops.rows(CLAIM_NEXT, values));
    const run = intake.arrivedAlone(key, rows.map(claimedRow), false);
    return run ?? this.claimBehindStrays(target);
  }

  /** What was found in a place that is not its job's goes back before the next one is looked for. */
  private async claimBehindStrays(target: JobTarget | undefined): Promise<LaneRun | undefined> {
    const { strays } = this.crew;
    return strays.isEmpty || (await strays.settle()) < Infinity ? undefined : this.claim(target);
  }

  private async process(run: LaneRun, timeoutMs: number): Promise<void> {
    const { dispatcher, intake } = this.crew;
    if (!intake.startAlone(run) || (await dispatcher.whenIdle(timeoutMs))) return;
    const shutdown = new Shutdown(this.crew);
    await shutdown.drain(0);
    await shutdown.flush();
    throw hangs(run, timeoutMs);
  }

  private lanesOf(target: JobTarget | undefined): WorkerLane[] {
    const [queue, name] = isTemplate(target) ? [target.queue, target.name] : [target, undefined];
    return this.crew.lanes
      .all()
      .filter((lane) => (queue ?? lane.queue) === lane.queue && (name ?? lane.name) === lane.name);
  }

  private async apply(news: News): Promise<void> {
    await this.crew.lanes.refresh(news.registry);
    this.crew.lanes.pause(news.pausedQueues);
    this.crew.lanes.applyOutcomes(news.outcomeQueues);
  }

  /** A cancel, or a look whether the lease is still there: as the loop of a worker would. */
  private hear(signal: Signal): void {
    if (signal.cancel) void this.crew.heartbeat.beat().catch(nothing);
  }

  private cancel(ids: string[]): void {
    for (const run of this.crew.dispatcher.runs())
      if (ids.includes(run.id)) run.abort('JOB_CANCELLED', `Job ${run.id} was cancelled.`);
  }

  private abortAll(): void {
    const message = 'The lease of this run was taken away; another one may run the job by now.';
    for (const run of this.crew.dispatcher.runs()) run.abort('LEASE_LOST', message);
  }
}

function hangs(run: JobRun, timeoutMs: number): QueueError {
  return new QueueError(
    'RUN_TIMEOUT',
    `Job ${run.id} of queue "${run.queue}" (${run.lane.handler.label}) still ran after ${timeoutMs} ms. It was asked to stop and given back, its attempt not spent. The handler hangs, or raise timeoutMs.`,
  );
}
