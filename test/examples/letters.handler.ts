import { HandleJob, Job, JobResult, QueueHandler, type JobHandler } from 'nestjs-simple-queue';

@QueueHandler('letters', { maxAttempts: 5 })
export class Letters implements JobHandler<{ to: string }> {
  @HandleJob('welcome', { timeoutMs: 5_000 })
  welcome(job: Job<{ to: string }>): { sent: string } {
    return { sent: `Welcome, ${job.payload.to}!` };
  }

  @HandleJob('goodbye')
  goodbye(): JobResult<never> {
    return JobResult.cancel('nobody says goodbye any more');
  }

  /** All other names of the queue, and jobs without a name. */
  process(job: Job<{ to: string }>): { sent: string } {
    return { sent: `Dear ${job.payload.to}` };
  }
}
