/**
 * What applications import.
 * @module nestjs-simple-queue
 */
export { HandleJob } from './decorators/handle-job.decorator.js';
export { InjectQueue } from './decorators/inject-queue.decorator.js';
export { OnJobEvent } from './decorators/on-job-event.decorator.js';
export { QueueHandler } from './decorators/queue-handler.decorator.js';
export { defineJob, type JobDefinition, type PlainJobDefinition } from './enqueue/define-job.js';
export {
  constant,
  custom,
  exponential,
  linear,
  type Backoff,
  type CustomBackoff,
} from './job/backoff.js';
export { BatchContext } from './job/batch-context.js';
export type { CheckpointOptions } from './job/values/checkpoint.js';
export type { Concurrency, ConcurrencyRange } from './job/values/concurrency.js';
export type { ContextCarrier } from './job/context-carrier.js';
export type {
  BackPressure,
  CancelCounts,
  CancelSelector,
  CommitAnswer,
  Enqueued,
  EnqueueItem,
  EnqueueManyOptions,
  EnqueueOptions,
  EnqueueOutcome,
  InTransaction,
  JobOptions,
  OnConflict,
} from './job/enqueue-options.js';
export type { Duration } from './job/values/duration.js';
export type { FindOptions } from './job/job-template.js';
export type { Cause, Failure } from './job/failure.js';
export type { JobEnd, WaitOptions, WaitTime } from './job/job-end.js';
export { Job, type AttemptRecord, type FoundJob, type JobFacts } from './job/job.js';
export { JobContext } from './job/job-context.js';
export type {
  AttemptPolicy,
  BatchHandler,
  BatchOptions,
  BatchResult,
  BatchResults,
  HandleJobOptions,
  JobHandler,
  QueueHandlerOptions,
} from './job/job-handler.js';
export { JobResult } from './job/job-result.js';
export type { JobState, LiveState, TerminalState } from './job/job-state.js';
export type {
  GivenOf,
  JobTarget,
  JobTemplate,
  OutputOf,
  PayloadOf,
  TemplateDefaults,
} from './job/job-template.js';
export { Permit } from './job/permit.js';
export {
  CriticalError,
  QueueError,
  UnprocessableError,
  type QueueErrorCode,
} from './job/queue.errors.js';
export type { StandardSchema } from './job/values/standard-schema.js';
export type {
  ExpiredLease,
  JobEvent,
  QueueEventListener,
  QueueEventName,
  QueueEvents,
} from './observability/events.js';
export type { QueueEvent } from './observability/event-stream.js';
export type { LogOptions } from './observability/log-listener.js';
export { Queue, type QueueOf } from './queue.js';
export { QueueService } from './queue.service.js';
export { SimpleQueueModule } from './module/simple-queue.module.js';
export type { SimpleQueueOptionsFactory } from './module/simple-queue.module-definition.js';
export type {
  QueueSettings,
  SimpleQueueOptions,
  WorkerSettings,
} from './options/simple-queue.options.js';
export type { OnDeadJob } from './job/job-state.js';
export type { DataSourceChoice } from './storage/connection/data-source-token.js';
export { DatabaseError } from './storage/connection/database-errors.js';
export {
  createEntities,
  type CreateEntitiesOptions,
  type JobRow,
} from './storage/schema/entities.js';
export { getQueueToken, getToken } from './module/tokens.js';
export type { OnJobEventOptions } from './handlers/listener.explorer.js';
export type { RunCounts } from './worker/one-shot.js';
export { QueueWorker } from './worker/queue-worker.js';
export {
  getQueueContext,
  type QueueContext,
  type QueueContextType,
} from './handlers/queue-context.js';
