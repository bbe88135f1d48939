import type { Backoff } from '../job/backoff.js';
import type { ResolvedOptions } from '../simple-queue.options.js';
import type { Handler } from './handler-registry.js';

/** What the worker applies to a lane's jobs where the job itself says nothing. */
export interface LaneSettings {
  maxAttempts: number;
  backoff: Backoff;
  timeoutMs: number | undefined;
  /** undefined: succeeded and cancelled jobs are deleted at once. */
  archiveKeepMs: number | undefined;
  deadLetterKeepMs: number;
}

/** Precedence: (enqueue call >) handler > queue > module > default; the last two are resolved already. */
export function laneSettings(handler: Handler, options: ResolvedOptions): LaneSettings {
  const queue = options.queues.get(handler.queue) ?? {};
  const archive = queue.archive ?? options.archive;
  return {
    maxAttempts: handler.options.maxAttempts ?? queue.maxAttempts ?? options.maxAttempts,
    backoff: handler.options.backoff ?? queue.backoff ?? options.backoff,
    timeoutMs: handler.options.timeoutMs ?? queue.timeoutMs ?? options.timeoutMs,
    archiveKeepMs: archive ? archive.keepMs : undefined,
    deadLetterKeepMs: (queue.deadLetter ?? options.deadLetter).keepMs,
  };
}
