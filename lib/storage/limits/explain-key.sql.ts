import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';
import { isPlaceOf } from '../places/places.sql.js';
import { FIRST_MS } from './buckets.sql.js';

/**
 * What keeps a job ($2) from a permit of its key; no row: it does not wait for one. Holders are counted to 10,000, of which five are listed with the
 * workers that run them; what waits before it, to $3.
 */
export const EXPLAIN_KEY = statement(
  'explain_key',
  `with j as materialized (
    select * from simple_queue.job j where id = $2::uuid and shard = $1
      and exists (select from simple_queue.keyed p where ${isPlaceOf('keyed', 'j')})),
  holder as materialized (
    select p.id from j cross join lateral (
      select id from simple_queue.permit where limit_key = j.limit_key and shard = $1 and queue = j.queue and slot >= 0 limit 10000) p)
  select j.limit_key as key, q.name as queue, l.concurrency, l.rate, l.per_ms as "perMs", (select count(*) from holder)::int as held,
    coalesce(greatest(0, k.first_ms), 0) as "rateMs", statement_timestamp() as "seenAt",
    (select count(*) from (select from simple_queue.keyed w where w.limit_key = j.limit_key and w.shard = $1 and w.queue = j.queue
      and (w.priority, w.run_at, w.id) < (j.priority, j.run_at, j.id) limit $3::int + 1) w)::int as ahead,
    array(select h.id || coalesce(' on ' || (
        select w.worker from ${IN_CLAIMS} ${fenced('id', 'offset 0')}
        cross join lateral (select worker from simple_queue.lease where id = c.lease and shard = $1) w
        where c.shard = $1 and h.id = any(c.jobs) and u.id = h.id limit 1), '')
      from (select id from holder order by id limit 5) h) as holders
  from j cross join lateral (select name from simple_queue.queue where id = j.queue) q
  left join lateral (
    select concurrency, rate, per_ms, step_ms, burst from simple_queue.fleet_limit where name = q.name || '/*' and shard = $1) l on true
  left join lateral (
    select ${FIRST_MS} as first_ms from (select next_at, l.step_ms as step_ms, l.burst as burst from simple_queue.key_bucket
      where limit_key = j.limit_key and shard = $1 and queue = j.queue) b) k on true`,
);
