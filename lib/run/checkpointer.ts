import { checkCall } from '../enqueue/call-options.js';
import {
  checkExtraAttempts,
  checkpointText,
  MAX_EXTRA_ATTEMPTS,
  type CheckpointOptions,
} from '../job/values/checkpoint.js';
import { QueueError } from '../job/queue.errors.js';
import type { Storage } from '../storage/storage.js';
import { refuseBeside } from './held-beside.js';
import type { JobRun } from './job-run.js';
import type { ProgressWriter } from './progress-writer.js';

/** Keeps with a job how far its run has come, at once or in the handler's transaction. */
export class Checkpointer {
  constructor(
    private readonly storage: Storage,
    private readonly maxBytes: number,
    private readonly progress: Pick<ProgressWriter, 'failed'>,
  ) {}

  async save(
    run: JobRun,
    state: unknown,
    options: CheckpointOptions = {},
    call: readonly JobRun[] = [run],
  ): Promise<void> {
    checkCall('checkpoint', options);
    const { database, checkpoints } = this.storage;
    const joined = database.transactionOf(options);
    const text = checkpointText(state, this.maxBytes);
    const extra = checkExtraAttempts(options.extraAttempts);
    // After a completion its row is deleted, perhaps by an open transaction of this very handler, which would be waited for.
    if (run.completed) throw lost(run);
    refuseBeside(run, joined, 'checkpoint');
    const { id, epoch } = run;
    const wish = { id, epoch, text, extraAttempts: extra, maxExtraAttempts: MAX_EXTRA_ATTEMPTS };
    const saving = database.within(
      joined,
      (within) => checkpoints.save(within, wish),
      database.settlers,
    );
    const granted = await saving.catch((error: unknown) =>
      this.progress.failed(run, error, { call, joined }),
    );
    if (granted === undefined) throw lost(run);
    if (!joined) return run.grant(granted);
    run.heldBy = joined;
    run.mayBeGranted ||= extra > 0;
  }
}

function lost(run: JobRun): QueueError {
  const message = `Job ${run.id} of queue "${run.queue}" is no longer held by this run: it was reaped, released or completed meanwhile. The checkpoint was not kept.`;
  if (!run.completed) run.abort('LEASE_LOST', message);
  return new QueueError('LEASE_LOST', message);
}
