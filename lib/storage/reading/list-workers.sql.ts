import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';

/**
 * Who holds a lease, which queues it serves (of its first 50 lanes), how many live jobs it holds and which (20 at most), and how it is: of all, or
 * of those that serve one of these lanes ($2). Both tables are small: a row a process, a row a claim.
 */
export const LIST_WORKERS = statement(
  'list_workers',
  `with held as materialized (
    select c.lease, count(*)::int as jobs, (array_agg(u.id::text))[1:20] as holds,
      bool_or(j.suspicion >= 3 and j.suspicion % 2 = 1) as alone from ${IN_CLAIMS}
    ${fenced('suspicion', 'offset 0')}
    where c.shard = $1 group by c.lease),
  serving as materialized (
    select w.id, array_agg(distinct q.name order by q.name) as queues
    from simple_queue.lease w cross join lateral unnest(w.lanes[1:50]) u(lane)
    join simple_queue.lane l on l.id = u.lane join simple_queue.queue q on q.id = l.queue
    where w.shard = $1 and ($2::int[] is null or w.lanes && $2::int[]) group by w.id)
  select w.id as lease, w.worker, w.created_at as since, w.expires_at as "expiresAt", w.expires_at > statement_timestamp() as live,
    coalesce(s.queues, '{}') as queues,
    coalesce(h.jobs, 0) as jobs, coalesce(h.holds, '{}') as holds, coalesce(h.alone, false) as alone, w.about
  from simple_queue.lease w left join held h on h.lease = w.id left join serving s on s.id = w.id
  where w.shard = $1 and ($2::int[] is null or w.lanes && $2::int[])
  order by w.created_at, w.id limit 1000`,
);
