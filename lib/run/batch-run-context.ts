import { checkCall } from '../enqueue/call-options.js';
import { BatchContext } from '../job/batch-context.js';
import type { CheckpointOptions } from '../job/values/checkpoint.js';
import type { EnqueueOptions, Enqueued, InTransaction } from '../job/enqueue-options.js';
import type { Job } from '../job/job.js';
import type { GivenOf, JobTarget } from '../job/job-template.js';
import type { Progress } from '../job/progress.js';
import { QueueError } from '../job/queue.errors.js';
import type { JobRun } from './job-run.js';
import type { ContextTools } from './context-tools.js';
import { completeNow } from './complete-now.js';

/** What a batch handler gets beside its jobs. */
export class BatchRunContext extends BatchContext {
  private controller: AbortController | undefined;

  constructor(
    private readonly runs: readonly JobRun[],
    private readonly tools: ContextTools,
  ) {
    super();
  }

  get signal(): AbortSignal {
    return (this.controller ??= this.watch()).signal;
  }

  signalOf(job: Job): AbortSignal {
    return this.runOf(job).signal;
  }

  async complete(job: Job, output?: unknown, options: InTransaction = {}): Promise<void> {
    checkCall('complete', options);
    await completeNow(this.runOf(job), this.tools, output, { options, call: this.runs });
  }

  async checkpoint(job: Job, state: unknown, options?: CheckpointOptions): Promise<void> {
    return this.tools.checkpointer.save(this.runOf(job), state, options, this.runs);
  }

  progress(job: Job, progress: Progress): void {
    this.tools.progress.report(this.runOf(job), progress);
  }

  enqueue<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: EnqueueOptions = {},
  ): Promise<Enqueued> {
    return this.tools.queues.enqueue(target, payload, options);
  }

  private watch(): AbortController {
    const controller = new AbortController();
    const signals = this.runs.map((run) => run.signal);
    const check = (): void => {
      if (signals.every((signal) => signal.aborted)) controller.abort(signals.at(-1)!.reason);
    };
    for (const signal of signals) signal.addEventListener('abort', check, { once: true });
    check();
    return controller;
  }

  private runOf(job: Job): JobRun {
    const run = this.runs.find((each) => each === job || each.id === job.id);
    if (run) return run;
    throw new QueueError(
      'INVALID_OPTION',
      `Job ${String(job?.id)} is not of this batch. Give one of the jobs that process() got.`,
    );
  }
}
