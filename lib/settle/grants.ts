import { afterFailure } from '../job/outcome.js';
import type { FindRepository } from '../storage/reading/find.repository.js';
import type { Settling } from './settling.js';

/**
 * Attempts that a checkpoint granted in a transaction of the handler. Whether it committed only the database knows: asked before such a job
 * ends for want of attempts.
 */
export class Grants {
  constructor(private readonly jobs: FindRepository) {}

  async apply(batch: readonly Settling[]): Promise<void> {
    for (const entry of batch)
      if (entry.run.mayBeGranted && entry.outcome.kind === 'failed') await this.look(entry);
  }

  private async look(entry: Settling): Promise<void> {
    const { run, outcome } = entry;
    if (outcome.kind !== 'failed') return;
    run.grant((await this.jobs.find(run.id))?.extraAttempts ?? 0);
    run.mayBeGranted = false;
    entry.outcome = afterFailure(outcome.error, run);
  }
}
