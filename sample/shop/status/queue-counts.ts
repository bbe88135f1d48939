import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export type Counts = Record<string, number>;

/** The view has every job wherever it stands: waiting, running, in the archive, in the dead letter queue. */
const COUNT = `select queue, state, count(*)::integer as jobs from simple_queue.jobs group by queue, state order by queue, state`;

@Injectable()
export class QueueCounts {
  constructor(private readonly dataSource: DataSource) {}

  /** Jobs by queue and state. It counts rows, which is fine for a sample's tables, and too slow for large ones. */
  async read(): Promise<Map<string, Counts>> {
    const rows =
      await this.dataSource.query<{ queue: string; state: string; jobs: number }[]>(COUNT);
    const queues = new Map<string, Counts>();
    for (const { queue, state, jobs } of rows)
      queues.set(queue, { ...queues.get(queue), [state]: jobs });
    return queues;
  }
}
