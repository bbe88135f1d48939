/**
 * Limits across the fleet for calls outside of jobs.
 * @module nestjs-simple-queue/limits
 */
export { QueueLimits, type WithinOptions } from './limits/queue-limits.js';
export type { LimitRule, RateLimit } from './job/limit.js';
