import { QueueHandler, type Job, type JobHandler } from 'nestjs-simple-queue';
import { QueueSchedule } from 'nestjs-simple-queue/schedules';

export class Reports {
  readonly written: string[] = [];
}

// #region nightly
/** Each night at two in Berlin, in whichever worker looks first, and in one only. */
@QueueSchedule('0 2 * * *', { timeZone: 'Europe/Berlin', jitterMs: 30_000 })
@QueueHandler('reports')
export class NightlyReport implements JobHandler {
  constructor(private readonly reports: Reports) {}

  async process(job: Job): Promise<void> {
    // The time that this run is for: also when it comes late, or is tried again.
    const night = job.schedule?.at ?? job.createdAt;
    this.reports.written.push(night.toISOString().slice(0, 10));
  }
}
// #endregion
