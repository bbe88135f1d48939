import { statement } from '../connection/statement.js';

/**
 * The heartbeat: updates the lease row and nothing else, whatever is in flight. Returns whether the lease still holds,
 * which of its jobs were asked to stop, and which of its claims this process does not know although they are older than
 * any statement under way: their results were lost, and under a live lease nobody else would free their jobs.
 */
export const RENEW_LEASE = statement(
  'renew_lease',
  `with renewed as (
    update simple_queue.lease set expires_at = statement_timestamp() + $3::float8 * interval '1 millisecond', about = coalesce($6::jsonb, about)
    where id = $2::uuid and shard = $1 returning id)
  select
    exists (select from renewed) as alive,
    array(select j.id::text from simple_queue.job j where j.shard = $1 and j.cancel_at is not null
      and exists (select from simple_queue.claim c where c.shard = $1 and c.lease = $2::uuid and j.id = any(c.jobs))) as cancelled,
    array(select c.id::text from simple_queue.claim c where c.shard = $1 and c.lease = $2::uuid and c.id <> all($4::uuid[])
      and c.created_at < statement_timestamp() - $5::float8 * interval '1 millisecond') as unknown`,
);
