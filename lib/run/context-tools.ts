import type { AddedStep } from '../job/added-step.js';
import type { InTransaction } from '../job/enqueue-options.js';
import type { StoredOutput } from '../job/values/output.js';
import type { QueueService } from '../queue.service.js';
import type { Checkpointer } from './checkpointer.js';
import type { JobRun } from './job-run.js';
import type { ProgressWriter } from './progress-writer.js';

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
