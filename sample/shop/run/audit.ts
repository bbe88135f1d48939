import type { DataSource } from 'typeorm';
import { HOPELESS } from '../webhooks/customers.controller.js';

/** What the tables say at the end; no counter of the run has a part in it. */
export interface Audit {
  /** Good orders without a receipt, and with more than one. */
  missing: number;
  repeated: number;
  receipts: number;
  summaries: number;
  delivered: number;
  /** Orders whose customer always fails, and the dead letters that they made: one each. */
  hopeless: number;
  dead: number;
  /** Dead letters that should not be. */
  wronglyDead: number;
}

const RECEIPTS = `
  select count(*) filter (where found.receipts = 0)::integer as missing,
    count(*) filter (where found.receipts > 1)::integer as repeated,
    coalesce(sum(found.receipts), 0)::integer as receipts
  from unnest($1::text[]) as good (id)
  left join shop."order" placed on placed.id = good.id
  cross join lateral (select count(*) as receipts from shop.receipt where order_id = good.id) as found
  where placed.state is distinct from 'cancelled'`;

const JOBS = `
  with ended as (
    select job.queue, job.state, job.queue = 'webhooks' and placed.webhook = any($1) as hopeless
    from simple_queue.jobs job
    left join shop."order" placed on placed.id = job.payload ->> 'orderId'
    where job.state not in ('scheduled', 'ready', 'running', 'cancelled')
      -- Whose bank declined, and whose goods are back on the shelf.
      and not (job.name = 'pay' and job.state = 'unprocessable' and placed.state = 'unpaid'))
  select
    count(*) filter (where queue = 'webhooks' and state = 'succeeded')::integer as delivered,
    count(*) filter (where hopeless and state <> 'succeeded')::integer as dead,
    count(*) filter (where hopeless is not true and state <> 'succeeded')::integer as "wronglyDead",
    (select count(*) from shop."order" join shop.receipt on order_id = id where webhook = any($1))::integer as hopeless,
    (select count(distinct day) from shop.daily_summary)::integer as summaries
  from ended`;

export async function audit(dataSource: DataSource, goodOrders: string[]): Promise<Audit> {
  const [receipts] = await dataSource.query<Audit[]>(RECEIPTS, [goodOrders]);
  const [jobs] = await dataSource.query<Audit[]>(JOBS, [
    HOPELESS.map((temper) => `/customers/${temper}/webhook`),
  ]);
  return { ...receipts, ...jobs } as Audit;
}

export function isRight({ missing, repeated, hopeless, dead, wronglyDead }: Audit): boolean {
  return missing === 0 && repeated === 0 && wronglyDead === 0 && dead === hopeless;
}
