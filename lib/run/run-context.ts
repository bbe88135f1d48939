import type { EntityManager } from 'typeorm';
import { checkCall } from '../enqueue/call-options.js';
import type { CheckpointOptions } from '../job/values/checkpoint.js';
import type { EnqueueOptions, Enqueued, InTransaction } from '../job/enqueue-options.js';
import { JobContext } from '../job/job-context.js';
import type { GivenOf, JobTarget } from '../job/job-template.js';
import type { Progress } from '../job/progress.js';
import { QueueError } from '../job/queue.errors.js';
import type { ContextTools } from './context-tools.js';
import type { JobRun } from './job-run.js';
import { completeNow } from './complete-now.js';

/** What a handler gets beside its job; an object with references, nothing more until it is asked. */
export class RunContext extends JobContext {
  constructor(
    private readonly run: JobRun,
    private readonly tools: ContextTools,
    private readonly ownManager?: EntityManager,
  ) {
    super();
  }

  get signal(): AbortSignal {
    return this.run.signal;
  }

  get manager(): EntityManager {
    if (this.ownManager) return this.ownManager;
    throw new QueueError(
      'HANDLER_INVALID',
      `context.manager belongs to transactional handlers. Mark the handler of queue "${this.run.queue}" { transactional: true }, or use context.complete(output, { manager }).`,
    );
  }

  async complete(output?: unknown, options: InTransaction = {}): Promise<void> {
    checkCall('complete', options);
    const { manager = this.ownManager } = options;
    await completeNow(this.run, this.tools, output, { options: { manager } });
  }

  checkpoint(state: unknown, options?: CheckpointOptions): Promise<void> {
    return this.tools.checkpointer.save(this.run, state, options);
  }

  progress(progress: Progress): void {
    this.tools.progress.report(this.run, progress);
  }

  enqueue<Target extends JobTarget>(
    target: Target,
    payload: GivenOf<Target>,
    options: EnqueueOptions = {},
  ): Promise<Enqueued> {
    const joins = this.ownManager && options && options.manager === undefined;
    return this.tools.queues.enqueue(
      target,
      payload,
      joins ? { ...options, manager: this.ownManager } : options,
    );
  }
}
