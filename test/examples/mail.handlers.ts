import { Job, QueueHandler, type JobHandler } from 'nestjs-simple-queue';

/** Every queue whose name begins with `mail.`, also one that a customer of tomorrow brings along. */
@QueueHandler('mail.*', { maxAttempts: 5 })
export class SendMail implements JobHandler<{ to: string }> {
  async process(job: Job<{ to: string }>): Promise<string> {
    return `${job.queue}: sent to ${job.payload.to}`;
  }
}

/** The exact name is closer than the prefix. */
@QueueHandler('mail.urgent', { concurrency: { min: 5, max: 20 } })
export class SendUrgentMail implements JobHandler<{ to: string }> {
  async process(job: Job<{ to: string }>): Promise<string> {
    return `at once to ${job.payload.to}`;
  }
}
