export { drain, type DrainOptions } from './drain.js';
export { InMemoryJobQueue, type InMemoryJobQueueOptions } from './in-memory-job-queue.js';
export { RecordingQueueService, type RecordedJob } from './recording-queue.service.js';
