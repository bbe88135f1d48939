import type { InTransaction } from '../job/enqueue-options.js';
import { outputText } from '../job/payload.js';
import { QueueError } from '../job/queue.errors.js';
import type { Storage } from '../storage/storage.js';
import { completionOf } from './commands.js';
import type { JobRun } from '../run/job-run.js';
import type { RunReports } from '../observability/run-reports.js';

/** Completes a run in the transaction of its handler: the effect and the completion commit together, or neither does. */
export class Completer {
  constructor(
    private readonly storage: Storage,
    private readonly worker: string,
    private readonly settings: {
      maxOutputBytes: number;
      reports: RunReports;
      onVacant: () => void;
    },
  ) {}

  async complete(run: JobRun, output?: unknown, options: InTransaction = {}): Promise<void> {
    const { database, signals } = this.storage;
    const joined = database.transactionOf(options);
    if (!joined) throw outside(run);
    const stored = outputText(output, this.settings.maxOutputBytes);
    const success = completionOf(run, stored.text);
    if (
      !(await joined.alone((within) =>
        this.storage.settlements.complete(within, this.worker, success),
      ))
    )
      throw leaseLost(run);
    run.completed = true;
    signals.onCommit(joined.runner, () => {
      run.committed = true;
      if (run.isOrdered) this.settings.onVacant();
    });
    if (stored.problem) this.settings.reports.outputCut(run, stored.problem);
  }
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
