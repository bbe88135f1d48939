import type { Backoff } from './backoff.js';
import type { BatchContext } from './batch-context.js';
import type { Concurrency } from './values/concurrency.js';
import type { Job } from './job.js';
import type { JobContext } from './job-context.js';
import type { JobResult } from './job-result.js';
import type { AnyTemplate } from './job-template.js';
import type { Permit } from './permit.js';
import type { Duration, InMs } from './values/duration.js';

/** What a `@QueueHandler` class implements; `process` takes the names that no `@HandleJob` method takes. */
export interface JobHandler<Payload = unknown, Output = unknown> {
  /** Runs the job. What it returns is the output; what it throws fails the attempt; a `JobResult` says something else. */
  process(
    job: Job<Payload>,
    context: JobContext,
  ): Promise<JobResult<Output> | Output | void> | JobResult<Output> | Output | void;
  /** Optional third tier of permits: asked after the claim, before `process`. Declining (a JobResult) spends no attempt. */
  acquire?(job: Job<Payload>): Promise<Permit | JobResult<unknown>> | Permit | JobResult<unknown>;
}

/** What one job of a batch came to: as if it had been returned, or (an Error) thrown, for that job alone. */
export type BatchResult<Output = unknown> = JobResult<Output> | Output | Error | void;

/** What a batch handler may return: nothing (all succeeded), one result per job in order or by id, or one JobResult for all. */
export type BatchResults<Output = unknown> =
  | readonly BatchResult<Output>[]
  | ReadonlyMap<string, BatchResult<Output>>
  | JobResult<Output>
  | void;

/** What a `@QueueHandler(queue, { batch: { size } })` class implements: it gets several jobs in one call. */
export interface BatchHandler<Payload = unknown, Output = unknown> {
  /** Runs the jobs. What it throws fails the attempt of each of them. */
  process(
    jobs: Job<Payload>[],
    context: BatchContext,
  ): Promise<BatchResults<Output>> | BatchResults<Output>;
  /** Asked for each job by itself, after the claim, before `process`. Those that are declined are left out of the batch. */
  acquire?(job: Job<Payload>): Promise<Permit | JobResult<unknown>> | Permit | JobResult<unknown>;
}

/** What handles the jobs of a template: a function type, so that the compiler takes no narrower payload than the schema returns. */
export type TemplateMethod<Payload, Answer> = (
  job: Job<Payload>,
  context: JobContext,
) => Promise<JobResult<Answer> | Answer> | JobResult<Answer> | Answer;

/** What a class marked `@QueueHandler(template)` has. */
export interface TemplateHandler<Payload, Answer> {
  process: TemplateMethod<Payload, Answer>;
  acquire?: (
    job: Job<Payload>,
  ) => Promise<Permit | JobResult<unknown>> | Permit | JobResult<unknown>;
}

/** What handles the jobs of a template several at once. */
export type TemplateBatchMethod<Payload, Answer> = (
  jobs: Job<Payload>[],
  context: BatchContext,
) => Promise<BatchResults<Answer>> | BatchResults<Answer>;

/** What a class marked `@QueueHandler(template, { batch })` has. */
export interface TemplateBatchHandler<Payload, Answer> {
  process: TemplateBatchMethod<Payload, Answer>;
  acquire?: (
    job: Job<Payload>,
  ) => Promise<Permit | JobResult<unknown>> | Permit | JobResult<unknown>;
}

/** Several jobs in one call of the handler. */
export interface BatchOptions {
  /** At most so many, 1 to 1,000. */
  size: number;
  /** A batch that is not full waits this long for more, counted from its first job; 0 (default) to a minute. */
  lingerMs?: Duration;
}

/** What decides an attempt's fate; precedence: enqueue call > handler method > handler > queue > module > default. */
export interface AttemptPolicy {
  /** Attempts before the dead letter queue, default 3. */
  maxAttempts?: number;
  /** Rest between attempts, default `linear({ delayMs: 5_000 })`. */
  backoff?: Backoff;
  /** How long an attempt may take; default: no limit. */
  timeoutMs?: Duration;
}

/** Options of one `@HandleJob` method; what they leave out is the class's. */
export interface HandleJobOptions extends AttemptPolicy {
  /** Jobs (with `batch`: calls) of this handler running at once in this process; default: what the queue allows. A range also says when to claim more. */
  concurrency?: Concurrency;
  /** `context.manager` is an EntityManager whose transaction also holds the completion; default false. */
  transactional?: boolean;
  /** The handler takes several jobs in one call; default: one. Of a class it is for `process` alone; not with `transactional`. */
  batch?: BatchOptions;
  /** Names of `limits` of the module that its jobs obey besides those of their queue: a start takes one permit, or (of a rate) one start, of each. */
  uses?: string[];
}

/** Options of a `@QueueHandler` class. */
export interface QueueHandlerOptions extends HandleJobOptions {
  /** Which instance of the module (`forRoot({ name })`) works this handler; default: the unnamed one. */
  instance?: string;
}

/** Symbol.for, so that two copies of the package still find each other's handlers. */
export const QUEUE_HANDLER = Symbol.for('nestjs-simple-queue:handler');
export const HANDLE_JOB = Symbol.for('nestjs-simple-queue:handle-job');
export const ON_JOB_EVENT = Symbol.for('nestjs-simple-queue:on-job-event');

/** Asked of the handler once, at start: its name comes from what it has injected. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each class has its own
export type QueueNameOf = (handler: any) => string;

export interface QueueHandlerMetadata {
  queue: string | QueueNameOf;
  options: InMs<QueueHandlerOptions>;
  template?: AnyTemplate;
}

export interface HandleJobMetadata {
  name: string;
  options: InMs<HandleJobOptions>;
  template?: AnyTemplate;
}
