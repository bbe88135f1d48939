export { drain, type DrainOptions } from './drain.js';
export { RecordingQueueService, type RecordedJob } from './recording-queue.service.js';
