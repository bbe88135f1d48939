import type { Backoff } from './backoff.js';
import type { Job } from './job.js';
import type { JobContext } from './job-context.js';
import type { JobResult } from './job-result.js';
import type { AnyTemplate } from './job-template.js';
import type { Permit } from './permit.js';

/** What a `@QueueHandler` class implements; `process` takes the names that no `@HandleJob` method takes. */
export interface JobHandler<Payload = unknown, Output = unknown> {
  process(job: Job<Payload>, context: JobContext): Promise<JobResult<Output> | Output | void> | JobResult<Output> | Output | void;
  /** Optional third tier of permits: asked after the claim, before `process`. Declining (a JobResult) spends no attempt. */
  acquire?(job: Job<Payload>): Promise<Permit | JobResult<unknown>> | Permit | JobResult<unknown>;
}

/** What handles the jobs of a template: a function type, so that the compiler takes no narrower payload than the schema answers. */
export type TemplateMethod<Payload, Answer> = (
  job: Job<Payload>,
  context: JobContext,
) => Promise<JobResult<Answer> | Answer> | JobResult<Answer> | Answer;

/** What a class marked `@QueueHandler(template)` has. */
export interface TemplateHandler<Payload, Answer> {
  process: TemplateMethod<Payload, Answer>;
  acquire?: (job: Job<Payload>) => Promise<Permit | JobResult<unknown>> | Permit | JobResult<unknown>;
}

/** What decides an attempt's fate; precedence: enqueue call > handler method > handler > queue > module > default. */
export interface AttemptPolicy {
  /** Attempts before the dead letter queue, default 3. */
  maxAttempts?: number;
  /** Rest between attempts, default `linear({ delayMs: 5_000 })`. */
  backoff?: Backoff;
  /** Milliseconds an attempt may take; default: no limit. */
  timeoutMs?: number;
}

export interface HandleJobOptions extends AttemptPolicy {
  /** Jobs of this handler running at once in this process; default: what the queue allows. */
  concurrency?: number;
  /** `context.manager` is an EntityManager whose transaction also holds the completion; default false. */
  transactional?: boolean;
}

export interface QueueHandlerOptions extends HandleJobOptions {
  /** Which instance of the module (`forRoot({ name })`) works this handler; default: the unnamed one. */
  instance?: string;
}

/** Symbol.for, so that two copies of the package still find each other's handlers. */
export const QUEUE_HANDLER = Symbol.for('nestjs-simple-queue:handler');
export const HANDLE_JOB = Symbol.for('nestjs-simple-queue:handle-job');
export const ON_JOB_EVENT = Symbol.for('nestjs-simple-queue:on-job-event');

export interface QueueHandlerMetadata {
  queue: string;
  options: QueueHandlerOptions;
  template?: AnyTemplate;
}

export interface HandleJobMetadata {
  name: string;
  options: HandleJobOptions;
  template?: AnyTemplate;
}
