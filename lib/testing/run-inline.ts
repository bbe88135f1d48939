import { AsyncLocalStorage } from 'node:async_hooks';
import type { INestApplicationContext } from '@nestjs/common';
import type { EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { QueueError } from '../job/queue.errors.js';
import { outside } from '../runtime/outside.js';
import { partsOf, type ApplicationParts } from './application-parts.js';
import { HandWorker } from './hand-worker.js';
import { checkTimeout, refuseLoops, type RunOptions } from './run-next.js';

/** What may make a job due, and which argument names its transaction. */
const CALLS = { enqueue: 2, enqueueMany: 2, commit: 1, abort: 1, cancel: 1 } as const;

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * From now on `enqueue`, `enqueueMany`, `enqueueAndWait`, `commit`, `abort` and `cancel` of the application's QueueService run what is due,
 * one job after another, before they answer. Inside a transaction nothing runs before its commit, which waits for it. What a handler
 * enqueues runs after that handler. An error of a handler is not thrown: it is the job's. The answer ends this.
 * @throws QueueError `WORKER_RUNNING`, `WORKER_DISABLED`, `INVALID_OPTION`, `MODULE_INVALID`; the calls throw `RUN_TIMEOUT` where a handler hangs.
 */
export function runInline(app: INestApplicationContext, options: RunOptions = {}): () => void {
  const timeoutMs = checkTimeout(options);
  const parts = partsOf(app, options);
  refuseLoops(parts);
  if (Object.hasOwn(parts.queues, 'enqueue'))
    throw new QueueError('INVALID_OPTION', 'runInline is on already for this application.');
  return new InlineRuns(parts, timeoutMs).start();
}

class InlineRuns {
  /** Set within the runs: what handlers enqueue is found by the round that runs them. */
  private readonly inside = new AsyncLocalStorage<true>();
  private last: Promise<void> = Promise.resolve();
  /** The transactions in which something was enqueued. */
  private readonly awaitCommit = new WeakSet<QueryRunner>();

  constructor(
    private readonly parts: ApplicationParts,
    private readonly timeoutMs: number,
  ) {}

  start(): () => void {
    const { queues, storage } = this.parts;
    const { subscribers } = storage.database.dataSource;
    const subscriber: EntitySubscriberInterface = {
      afterTransactionCommit: ({ queryRunner }) =>
        queryRunner.isTransactionActive ? undefined : this.afterCommit(queryRunner),
    };
    for (const [name, position] of Object.entries(CALLS))
      this.replace(name as keyof typeof CALLS, position);
    Object.assign(queues, {
      enqueueAndWait: this.waiting(queues.enqueueAndWait.bind(queues) as Call),
    });
    subscribers.push(subscriber);
    return () => {
      for (const name of [...Object.keys(CALLS), 'enqueueAndWait'])
        delete (queues as unknown as Record<string, unknown>)[name];
      if (subscribers.includes(subscriber)) subscribers.splice(subscribers.indexOf(subscriber), 1);
    };
  }

  private replace(name: keyof typeof CALLS, position: number): void {
    const { queues } = this.parts;
    const original = queues[name].bind(queues) as Call;
    const call: Call = async (...args) => {
      const runner = this.parts.storage.database.transactionOf(args[position] ?? {})?.runner;
      const answer = await original(...args);
      if (runner) this.awaitCommit.add(runner);
      else await this.run();
      return answer;
    };
    Object.assign(queues, { [name]: call });
  }

  /** It returns the end of the job, so the run begins as soon as the job is stored. */
  private waiting(original: Call): Call {
    return async (...args) => {
      let stop: () => void = () => undefined;
      const failed = new Promise<never>((_, reject) => {
        stop = this.parts.events.on('enqueued', () => void this.run().catch(reject));
      });
      try {
        return await Promise.race([original(...args), failed]);
      } finally {
        stop();
      }
    };
  }

  private async afterCommit(runner: QueryRunner): Promise<void> {
    if (this.awaitCommit.delete(runner)) await this.run();
  }

  /** One round after another: each call's own jobs have run when its round has ended. */
  private run(): Promise<void> {
    if (this.inside.getStore()) return Promise.resolve();
    // Of the caller's context, and of its transaction, handlers inherit nothing.
    const round = () => outside(() => this.inside.run(true, () => this.runAll()));
    this.last = this.last.then(round, round);
    return this.last;
  }

  private runAll(): Promise<void> {
    const deadline = performance.now() + this.timeoutMs;
    return HandWorker.with(this.parts, async (worker) => {
      while (await worker.next(undefined, Math.max(1, Math.round(deadline - performance.now()))))
        if (performance.now() > deadline) throw endless(this.timeoutMs);
    });
  }
}

function endless(timeoutMs: number): QueueError {
  return new QueueError(
    'RUN_TIMEOUT',
    `Jobs are still due after ${timeoutMs} ms of running inline. A handler may enqueue as fast as it works; raise timeoutMs, or run them with runNext.`,
  );
}
