import type { ModulesContainer } from '@nestjs/core';
import { QueueError } from '../job/queue.errors.js';
import { DAY_MS, msOf, type Duration } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';
import type { WorkerState } from '../health/queue-health.js';
import type { QueueLoad } from '../observability/telemetry.js';
import { bounded } from '../runtime/bounded.js';
import { outside } from '../runtime/outside.js';
import { startAfterBootstrap } from './after-bootstrap.js';
import { countRuns, type RunCounts } from './one-shot.js';
import type { Worker, WorkerParts } from './worker.js';
import type { WorkerPulse } from '../health/queue-health.js';

/** Long enough for `app.enableShutdownHooks()` after `listen()`. */
const HOOKS_CHECK_MS = 5_000;
const EMPTY_CHECK_MS = 10;
const LONGEST_RUN_MS = DAY_MS;

/**
 * Starts and stops the work of this process. Nest calls the hooks; with `worker: { autoStart: false }` the application calls
 * `start()` itself.
 */
export class QueueWorker {
  private worker: Worker | undefined;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private hooksCheck: NodeJS.Timeout | undefined;
  private unwanted = new AbortController();
  private leaving = false;
  private isDeferred = false;
  /** Calls of runUntilEmpty under way, and whether the first of them found the worker stopped. */
  private emptying = 0;
  private isBorrowed = false;

  /** @internal The module makes it. */
  constructor(
    private readonly parts: WorkerParts,
    private readonly modules: ModulesContainer,
  ) {}

  get isRunning(): boolean {
    return this.worker !== undefined && this.stopping === undefined;
  }

  /** What the process does with jobs; `stopping` from the first moment of a shutdown. */
  get state(): WorkerState {
    if (!this.parts.options.worker) return 'disabled';
    if (this.leaving || this.stopping) return 'stopping';
    return this.worker ? 'running' : 'stopped';
  }

  /** How its loops do; undefined where none runs. */
  get pulse(): WorkerPulse | undefined {
    return this.worker?.pulse;
  }

  /** What it works at now, by queue; empty where it does not run. */
  get load(): QueueLoad[] {
    return this.worker?.load ?? [];
  }

  /**
   * Starts claiming and running jobs; does nothing when it is started. A stop that is under way ends first.
   * @throws QueueError `WORKER_DISABLED` where the module was set up with `worker: false`, `CLOSED` when the application is closing.
   */
  async start(): Promise<void> {
    if (!this.parts.options.worker) throw disabled();
    await this.stopping;
    // Nobody would stop it any more.
    if (this.leaving) throw closing();
    // Loops, timers and connections outlive the caller: none may stay in its context, or in its transaction.
    await (this.starting ??= outside(() => this.begin()));
  }

  /** Claims nothing more, lets what runs end (at most `shutdownGraceMs`), releases the rest without spending its attempt. */
  async stop(): Promise<void> {
    try {
      await (this.stopping ??= outside(() => this.end()));
    } finally {
      this.stopping = undefined;
    }
  }

  /**
   * Works until nothing is due any more (jobs of the future stay), then returns how the runs ended; stops again when it was not
   * running before. For one-shot workers and tests.
   * @throws QueueError `RUN_TIMEOUT` when work is left after `timeoutMs` (default 30,000; at most a day), or the database has not said; `INVALID_OPTION`.
   */
  async runUntilEmpty(options: { timeoutMs?: Duration } = {}): Promise<RunCounts> {
    const timeoutMs = checkedTimeout(options.timeoutMs);
    if (this.emptying++ === 0) this.isBorrowed = !this.isRunning;
    const { counts, stop } = countRuns(this.parts.events);
    try {
      await bounded({ timeoutMs }, { late: () => this.timedOut() }, async (over) => {
        await this.start();
        await this.waitUntilEmpty(performance.now() + timeoutMs, over);
      });
    } finally {
      if (--this.emptying === 0 && this.isBorrowed) await this.stop();
      stop();
    }
    return counts;
  }

  /** An application whose start fails must not claim jobs: the worker starts after all hooks of the start. */
  onModuleInit(): void {
    this.isDeferred = this.isWanted && startAfterBootstrap(this.modules, this);
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.isWanted && !this.isDeferred) await this.start();
  }

  onModuleDestroy(): void {
    this.leaving = true;
    clearTimeout(this.hooksCheck);
    this.unwanted.abort();
    this.worker?.stopClaiming();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  private get isWanted(): boolean {
    return this.parts.options.worker?.autoStart ?? false;
  }

  private async begin(): Promise<void> {
    const over = (this.unwanted = new AbortController()).signal;
    // Loaded here, so that a process which only enqueues never loads it.
    const { Worker } = await import('./worker.js');
    const worker = new Worker(this.parts);
    try {
      await worker.start(over);
    } catch (error) {
      this.starting = undefined;
      await worker.drain(0);
      throw error;
    }
    this.worker = worker;
    this.hooksCheck = setTimeout(() => this.checkHooks(), HOOKS_CHECK_MS).unref();
  }

  private async end(): Promise<void> {
    clearTimeout(this.hooksCheck);
    this.unwanted.abort();
    await this.starting?.catch(() => undefined);
    if (!this.worker) return;
    const hurry = new AbortController();
    const onSignal = () => hurry.abort();
    for (const signal of SIGNALS) process.once(signal, onSignal);
    try {
      this.worker.stopClaiming();
      const leave = { hurry: hurry.signal, isLeaving: this.leaving };
      await this.worker.drain(this.parts.options.shutdownGraceMs, leave);
    } finally {
      for (const signal of SIGNALS) process.removeListener(signal, onSignal);
      this.worker = this.starting = undefined;
    }
  }

  private async waitUntilEmpty(deadline: number, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const { worker } = this;
      if (!worker) throw closing();
      if (!(await worker.hasWork())) return;
      if (performance.now() > deadline) throw this.timedOut();
      await new Promise((resolve) => setTimeout(resolve, EMPTY_CHECK_MS));
    }
  }

  private timedOut(): QueueError {
    const run = this.worker?.crew.dispatcher.runs().find(({ settled }) => !settled);
    const what = run
      ? `job ${run.id} of queue "${run.queue}" (${run.lane.handler.label}) still runs`
      : 'jobs are due, or the database did not reply';
    return new QueueError(
      'RUN_TIMEOUT',
      `Work is left after the timeout: ${what}. A handler may hang, or enqueue as fast as it works; raise timeoutMs.`,
    );
  }

  private checkHooks(): void {
    if (process.listenerCount('SIGTERM') > 0) return;
    const message =
      'Nobody listens to SIGTERM: a deploy would kill running jobs, which then wait for their lease to lapse. Call app.enableShutdownHooks().';
    this.parts.events.emit('warning', () => ({ code: 'NO_SHUTDOWN_HOOKS', message }));
  }
}

/** A second signal during the drain means: now. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function checkedTimeout(given: Duration = 30_000): number {
  const timeoutMs = msOf(given);
  const problems = duration(0, LONGEST_RUN_MS)(timeoutMs, 'timeoutMs');
  if (problems.length === 0) return timeoutMs;
  throw new QueueError('INVALID_OPTION', `runUntilEmpty: ${problems.join('; ')}.`);
}

function closing(): QueueError {
  return new QueueError(
    'CLOSED',
    'The application is closing, or its worker was stopped meanwhile: it is not started any more.',
  );
}

function disabled(): QueueError {
  return new QueueError(
    'WORKER_DISABLED',
    'This process only enqueues: the module was set up with worker: false. Set worker to true or { autoStart: false } to start it here.',
  );
}
