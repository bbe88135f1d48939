/**
 * What tests import.
 * @module nestjs-simple-queue/testing
 */
export { advanceTime } from './advance-time.js';
export type { OfInstance } from './application-parts.js';
export { clear } from './clear.js';
export { drain } from './drain.js';
export type { JobSource } from './enqueued-jobs.js';
export { expectEnqueued } from './expect-enqueued.js';
export { expectScheduled, type ExpectedSchedule } from './expect-scheduled.js';
export { expectWorkflow, type ExpectedWorkflow } from './expect-workflow.js';
export type { ExpectedJob, PartOf } from './expected-job.js';
export { crashBeforeSettle, loseLease } from './faults.js';
export { InMemoryJobQueue, type InMemoryJobQueueOptions } from './in-memory-job-queue.js';
export { queueMatchers, type QueueMatchers } from './queue-matchers.js';
export type { RecordedJob } from './recorded-job.js';
export { RecordingQueueService } from './recording-queue.service.js';
export { runInline } from './run-inline.js';
export { runNext, type RunOptions } from './run-next.js';
export type { RanJob } from './run-watch.js';
export { SimpleQueueTestingModule } from './simple-queue-testing.module.js';
