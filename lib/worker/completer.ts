import type { EntityManager, QueryRunner } from 'typeorm';
import { outputText } from '../job/payload.js';
import { QueueError } from '../job/queue.errors.js';
import type { Storage } from '../storage/storage.js';
import type { JobRun } from './job-run.js';
import type { RunReports } from './run-reports.js';

/** Completes a run in the transaction of its handler: the effect and the completion commit together, or neither does. */
export class Completer {
  constructor(
    private readonly storage: Storage,
    private readonly worker: string,
    private readonly settings: { maxOutputBytes: number; reports: RunReports; onVacant: () => void },
  ) {}

  async complete(run: JobRun, output: unknown, manager: EntityManager | QueryRunner): Promise<void> {
    const { database, signals } = this.storage;
    const inTransaction = database.in(manager);
    const { id, epoch, runMs } = run;
    const stored = outputText(output, this.settings.maxOutputBytes);
    const success = { id, epoch, runMs, keepMs: run.lane.settings.archiveKeepMs, output: stored.text };
    if (!(await this.storage.jobs.complete(inTransaction, this.worker, success))) throw leaseLost(run);
    run.completed = true;
    signals.onCommit(database.runnerOf(manager), () => {
      run.committed = true;
      if (run.isOrdered) this.settings.onVacant();
    });
    if (stored.problem) this.settings.reports.outputCut(run, stored.problem);
  }
}

function leaseLost(run: JobRun): QueueError {
  return new QueueError(
    'LEASE_LOST',
    `Job ${run.id} of queue "${run.queue}" is no longer held by this run: it was reaped, released or completed meanwhile. Let your transaction roll back.`,
  );
}
