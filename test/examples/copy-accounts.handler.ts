import { Job, JobContext, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';

@QueueHandler('copies', { maxAttempts: 3, backoff: { type: 'constant', delayMs: 0 } })
export class CopyAccounts implements JobHandler<{ upTo: number }> {
  constructor(private readonly dataSource: DataSource) {}

  async process(job: Job<{ upTo: number }>, context: JobContext): Promise<void> {
    const from = (job.checkpoint ?? 0) as number;
    for (let start = from; start < job.payload.upTo; start += 100) {
      // The rows and how far they reach commit together: each row is copied once, however often the job starts again.
      await this.dataSource.transaction(async (manager) => {
        await manager.query(
          'insert into copied select n from generate_series($1::int, $2::int) n',
          [start + 1, start + 100],
        );
        await context.checkpoint(start + 100, { manager });
      });
      if (job.attempt < 3 && start === 100)
        throw new Error('The connection to the other bank is gone.');
    }
  }
}
