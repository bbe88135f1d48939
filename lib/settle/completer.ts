import type { InTransaction } from '../job/enqueue-options.js';
import { hush, isThenable, safely } from '../job/kinds.js';
import { outputText, type StoredOutput } from '../job/values/output.js';
import { QueueError } from '../job/queue.errors.js';
import type { Storage } from '../storage/storage.js';
import { completionOf } from './commands.js';
import { refuseBeside } from '../run/held-beside.js';
import type { JobRun } from '../run/job-run.js';
import type { ProgressWriter } from '../run/progress-writer.js';
import type { RunReports } from '../observability/run-reports.js';

/** Completes a run in the transaction of its handler: the effect and the completion commit together, or neither does. */
export class Completer {
  constructor(
    private readonly storage: Storage,
    private readonly worker: string,
    private readonly settings: {
      maxOutputBytes: number;
      reports: RunReports;
      /** A turn became vacant, a permit is free, a step has ended, or the end was stored for another queue. */
      onLeft: (run: JobRun) => void;
      progress: Pick<ProgressWriter, 'failed'>;
    },
  ) {}

  /** What is stored of an output, as it is now. @throws QueueError `INVALID_OUTPUT` for a promise: its work is not done. */
  stored(run: JobRun, output: unknown): StoredOutput {
    if (!safely(() => isThenable(output))) return outputText(output, this.settings.maxOutputBytes);
    hush(output);
    throw unawaited(run);
  }

  async complete(
    run: JobRun,
    stored: StoredOutput & { added?: string | undefined },
    options: InTransaction = {},
    call: readonly JobRun[] = [run],
  ): Promise<void> {
    const { progress } = this.settings;
    const { database, signals } = this.storage;
    const joined = database.transactionOf(options);
    if (!joined) throw outside(run);
    refuseBeside(run, joined, 'complete');
    const success = completionOf(run, stored.text, stored.added);
    const completing = joined.alone((within) =>
      this.storage.settlements.complete(within, this.worker, success, run),
    );
    if (
      !(await completing.catch((error: unknown) => progress.failed(run, error, { call, joined })))
    )
      throw leaseLost(run);
    run.completed = true;
    run.heldBy = joined;
    signals.onCommit(joined.runner, () => {
      run.committed ||= joined.hasCommitted;
      if (run.handsOn || run.isStep) this.settings.onLeft(run);
    });
    if (stored.problem) this.settings.reports.outputCut(run, stored.problem);
  }
}

function unawaited({ id, queue }: JobRun): QueueError {
  const message = `The output of job ${id} of queue "${queue}" is a Promise: the job was told to have succeeded before its work was done. Await it first.`;
  return new QueueError('INVALID_OUTPUT', message);
}

function outside(run: JobRun): QueueError {
  return new QueueError(
    'MANAGER_INACTIVE',
    `context.complete of a job of queue "${run.queue}" was called outside a transaction: the completion belongs to the one that holds the handler's writes. Pass its manager, call it inside @Transactional(), or just return the output.`,
  );
}

function leaseLost(run: JobRun): QueueError {
  return new QueueError(
    'LEASE_LOST',
    `Job ${run.id} of queue "${run.queue}" is no longer held by this run: it was reaped, released or completed meanwhile. Let your transaction roll back.`,
  );
}
