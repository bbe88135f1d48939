/**
 * What workers import that are no handlers: the contract, and its implementation on the tables.
 * @module nestjs-simple-queue/pull
 */
export {
  JobQueue,
  type ClaimRequest,
  type JobQueueEvent,
  type JobQueueEventType,
  type JobQueueListener,
  type LeaseRenewal,
  type PulledClaim,
  type PulledJob,
  type ReapedLeases,
  type Returned,
} from './pull/job-queue.js';
export { PostgresJobQueue } from './pull/postgres-job-queue.js';
