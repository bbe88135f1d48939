import { JobContext, Job, QueueHandler, type JobHandler } from 'nestjs-simple-queue';
import type { SummaryJob } from '../jobs.js';

const SUMMARISE = `
  insert into shop.daily_summary (day, currency, orders, amount)
  select day, currency, count(*) filter (where state = 'placed'), coalesce(sum(amount) filter (where state = 'placed'), 0)
  from shop."order" where day = $1 group by day, currency
  on conflict (day, currency) do update set orders = excluded.orders, amount = excluded.amount`;

@QueueHandler('summaries', { transactional: true, concurrency: 1 })
export class SummariseDay implements JobHandler<SummaryJob, void> {
  /**
   * The lock waits for orders that are being placed, and holds back new ones until this job is completed. So an order is either
   * counted here, or finds no live summary job with its day's key and enqueues the next.
   */
  async process(job: Job<SummaryJob>, context: JobContext): Promise<void> {
    await context.manager.query('lock table shop."order" in share mode');
    await context.manager.query(SUMMARISE, [job.payload.day]);
  }
}
