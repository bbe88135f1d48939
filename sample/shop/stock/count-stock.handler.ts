import { JobContext, Job, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import { QueueSchedule } from 'nestjs-simple-queue/schedules';
import { setTimeout as rest } from 'node:timers/promises';

const SHELVES = 6;
const SHELF_MS = 1_000;

/** Slow on purpose, and once a minute: something that runs, and a schedule, whenever somebody looks at the dashboard. */
@QueueSchedule('* * * * *', { overlap: 'skip' })
@QueueHandler('stock', { concurrency: 1 })
export class CountStock implements JobHandler<null, { shelves: number }> {
  async process(_job: Job<null>, context: JobContext): Promise<{ shelves: number }> {
    for (let shelf = 1; shelf <= SHELVES; shelf++) {
      await rest(SHELF_MS, undefined, { signal: context.signal });
      context.progress({ done: shelf, of: SHELVES });
    }
    return { shelves: SHELVES };
  }
}
