export { HandleJob } from './decorators/handle-job.decorator.js';
export { OnJobEvent } from './decorators/on-job-event.decorator.js';
export { QueueHandler } from './decorators/queue-handler.decorator.js';
export { defineJob, type JobDefinition, type PlainJobDefinition } from './enqueue/define-job.js';
export { constant, custom, exponential, linear, type Backoff, type CustomBackoff, type StoredBackoff } from './job/backoff.js';
export type {
  CancelCounts,
  CancelSelector,
  Enqueued,
  EnqueueItem,
  EnqueueOptions,
  FindOptions,
  InTransaction,
  JobOptions,
} from './job/enqueue-options.js';
export type { Failure } from './job/failure.js';
export type { JobEnd, WaitOptions, WaitTime } from './job/job-end.js';
export { Job, type AttemptRecord, type FoundJob, type JobFacts } from './job/job.js';
export { JobContext } from './job/job-context.js';
export type { AttemptPolicy, HandleJobOptions, JobHandler, QueueHandlerOptions, TemplateHandler } from './job/job-handler.js';
export { JobResult } from './job/job-result.js';
export type { JobState, LiveState, TerminalState } from './job/job-state.js';
export type { GivenOf, JobTarget, JobTemplate, OutputOf, TemplateDefaults } from './job/job-template.js';
export { Permit } from './job/permit.js';
export { CriticalError, QueueError, UnprocessableError, type QueueErrorCode } from './job/queue.errors.js';
export type { StandardSchema } from './job/standard-schema.js';
export type { JobEvent, JobEventListener, JobEventName, JobEvents } from './observability/events.js';
export { QueueService } from './queue.service.js';
export { SimpleQueueModule } from './simple-queue.module.js';
export type { SimpleQueueModuleExtras, SimpleQueueOptionsFactory } from './simple-queue.module-definition.js';
export type { QueueSettings, ResolvedOptions, SimpleQueueOptions, WorkerSettings } from './simple-queue.options.js';
export type { DataSourceChoice } from './storage/data-source-token.js';
export { DatabaseError } from './storage/database-errors.js';
export { createEntities, type CreateEntitiesOptions, type JobRow } from './storage/entities.js';
export { getQueueServiceToken, getQueueWorkerToken, getSimpleQueueOptionsToken } from './tokens.js';
export type { OnJobEventOptions } from './worker/listener.explorer.js';
export type { RunCounts } from './worker/one-shot.js';
export { QueueWorker } from './worker/queue-worker.js';
