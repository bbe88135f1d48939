import {
  BatchContext,
  Job,
  JobResult,
  QueueHandler,
  type BatchHandler,
  type BatchResult,
} from 'nestjs-simple-queue';
import { DataSource } from 'typeorm';

interface Reading {
  sensor: string;
  value: number;
}

@QueueHandler('readings', { batch: { size: 100, lingerMs: 50 }, concurrency: 2 })
export class StoreReadings implements BatchHandler<Reading> {
  constructor(private readonly dataSource: DataSource) {}

  async process(jobs: Job<Reading>[], context: BatchContext): Promise<BatchResult[]> {
    context.signal.throwIfAborted();
    const good = jobs.filter((job) => Number.isFinite(job.payload.value));
    await this.dataSource.query(
      'insert into reading select * from jsonb_to_recordset($1) r (sensor text, value float8)',
      [JSON.stringify(good.map((job) => job.payload))],
    );
    // One result for each job, in their order.
    return jobs.map((job) =>
      good.includes(job) ? undefined : JobResult.unprocessable('A reading needs a value.'),
    );
  }
}
