/**
 * Limits across the fleet for calls outside of jobs.
 * @module nestjs-simple-queue/limits
 */
import { expectQuestions } from './runtime/held-names.js';

// Whoever calls `within` has its class from here.
expectQuestions();

export { QueueLimits, type WithinOptions } from './limits/queue-limits.js';
export type { LimitRule, RateLimit } from './job/limit.js';
