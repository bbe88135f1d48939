import type { FoundJob } from '../job/job.js';
import { CANCELLED, type Outcome } from '../job/outcome.js';
import type { FindRepository } from '../storage/reading/find.repository.js';
import type { JobRun } from '../run/job-run.js';
import type { RunReports } from '../observability/run-reports.js';
import type { Settling } from './settling.js';

/**
 * A settle found no job at its run's epoch. Where that may be our own doing (a completion in the handler's transaction, a settle
 * whose answer was lost) the database says what became of the job; otherwise another run holds it.
 */
export class LateAnswers {
  constructor(
    private readonly jobs: FindRepository,
    private readonly reports: RunReports,
  ) {}

  report({ run, outcome }: Settling): void {
    if (run.completed) void this.ask(run, { kind: 'succeeded', output: undefined });
    else if (run.unsure) void this.ask(run, outcome);
    else this.reports.leaseLost(run);
  }

  private async ask(run: JobRun, outcome: Outcome): Promise<void> {
    try {
      const ours = ownDoing(run, outcome, await this.jobs.find(run.id));
      if (ours) this.reports.settled(run, ours);
      else this.reports.leaseLost(run);
    } catch {
      this.reports.leaseLost(run);
    }
  }
}

/**
 * How our settle ended the run, if it did. A job that is found nowhere, or whose id begins another life by now, has ended without being
 * kept: by us, as far as anybody can tell.
 */
function ownDoing(run: JobRun, outcome: Outcome, job: FoundJob | undefined): Outcome | undefined {
  if (!job || isOtherLife(run, job)) return outcome;
  if (job.state === 'cancelled' && outcome.kind !== 'succeeded') return CANCELLED;
  return isStored(run, outcome, job) ? outcome : undefined;
}

/** One reading of a time keeps the microseconds, another cuts them. */
const isOtherLife = (run: JobRun, job: FoundJob): boolean =>
  Math.abs(job.createdAt.getTime() - run.createdAt.getTime()) > 1;

function isStored(run: JobRun, outcome: Outcome, job: FoundJob): boolean {
  switch (outcome.kind) {
    case 'retried':
      return job.attempt >= run.attempt;
    case 'rescheduled':
      return job.reschedules > run.reschedules;
    case 'released':
      return true;
    default:
      return job.state === outcome.kind;
  }
}
