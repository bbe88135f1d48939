import type { Failure } from './failure.js';
import type { TerminalState } from './job-state.js';
import type { TemplateOf } from './job-template.js';
import type { JobProgress } from './progress.js';
import type { Duration } from './values/duration.js';

/** How a job ended: what `QueueService.wait` returns. */
export type JobEnd<Output = unknown> =
  | { id: string; state: 'succeeded'; output: Output; error?: undefined }
  | { id: string; state: Exclude<TerminalState, 'succeeded'>; output?: undefined; error?: Failure };

/** How long to wait for the end of a job. */
export interface WaitTime {
  /** Default 30,000; from 1 to a day. Then `WAIT_TIMEOUT`; the job goes on. */
  timeoutMs?: Duration;
  /** Ends the waiting (not the job) with `WAIT_ABORTED`. */
  signal?: AbortSignal;
  /**
   * Called with what the job says of its progress by `context.progress`, in whatever process it runs: within about a second, the newest only,
   * and the last one before the end. What it throws harms nobody: it is reported as a `warning`.
   */
  onProgress?: (progress: JobProgress) => unknown;
}

/** How `wait` waits, and how it reads the output. */
export interface WaitOptions<Output = unknown> extends WaitTime {
  /** The job's template: its output schema makes the output, and the compiler knows its type. */
  as?: TemplateOf<unknown, Output>;
}
