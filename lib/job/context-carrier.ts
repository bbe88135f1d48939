import type { Job } from './job.js';

/**
 * Carries what belongs to the context of an enqueue (a request id, a tenant, a locale) to the handler, through the job's `headers`.
 * Given as `carriers` of the module, in every process that enqueues or works.
 */
export interface ContextCarrier {
  /**
   * Asked once an enqueue call, in the caller's context: headers to store with the job, or undefined. Headers that the caller gives win.
   * What it throws, and what cannot be stored, refuses the enqueue with `CONTEXT_INVALID`: a job without its tenant is worse than none.
   */
  capture(): Record<string, string> | undefined;
  /**
   * Called around each run: permit, guards, handler and all. Has to call `next()` once, and to return what it returns. What it throws
   * before that fails the attempt with `CONTEXT_INVALID`; what it throws later changes nothing and is reported as a warning.
   * Not called for batch handlers, whose jobs have a context each.
   */
  restore(job: Job, next: () => Promise<void>): Promise<void>;
}
