import type { AddedStep } from '../job/added-step.js';
import type { EntityManager } from 'typeorm';
import { checkCall } from '../enqueue/call-options.js';
import type { CheckpointOptions } from '../job/values/checkpoint.js';
import type { EnqueueOptions, Enqueued, InTransaction } from '../job/enqueue-options.js';
import { JobContext } from '../job/job-context.js';
import type { GivenOf, JobTarget } from '../job/job-template.js';
import type { StoredOutput } from '../job/values/output.js';
import type { Progress } from '../job/progress.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueService } from '../queue.service.js';
import type { Checkpointer } from './checkpointer.js';
import type { JobRun } from './job-run.js';
import type { ProgressWriter } from './progress-writer.js';
import { toldSuccess } from './told-success.js';

/** What the members of a context are made with. */
export interface ContextTools {
  /** The text that stores what a success adds to its workflow. @throws QueueError for what is no step, or cannot be one */
  added: (run: JobRun, steps: readonly AddedStep[]) => Promise<string>;
  queues: QueueService;
  completer: {
    stored(run: JobRun, output: unknown): StoredOutput;
    complete(
      run: JobRun,
      stored: StoredOutput & { added?: string | undefined },
      options?: InTransaction,
      call?: readonly JobRun[],
    ): Promise<void>;
  };
  checkpointer: Pick<Checkpointer, 'save'>;
  progress: ProgressWriter;
}

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
    const { completer, progress } = this.tools;
    const stored = await toldSuccess(this.run, output, this.tools);
    if (progress.hasNewsOf(this.run)) await progress.writeLast(this.run);
    await completer.complete(this.run, stored, { manager });
    await this.run.lane.handler.checkOutput?.(this.run, stored);
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
