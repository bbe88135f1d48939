-- $1 smallint, $2 uuid, $3 integer
prepare explain_key as
with j as materialized (
    select * from simple_queue.job j where id = $2::uuid and shard = $1
      and exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id)),
  holder as materialized (
    select p.id from j cross join lateral (
      select id from simple_queue.permit where limit_key = j.limit_key and shard = $1 and queue = j.queue and slot >= 0 limit 10000) p)
  select j.limit_key as key, q.name as queue, l.concurrency, l.rate, l.per_ms as "perMs", (select count(*) from holder)::int as held,
    coalesce(greatest(0, k.first_ms), 0) as "rateMs", statement_timestamp() as "seenAt",
    (select count(*) from (select from simple_queue.keyed w where w.limit_key = j.limit_key and w.shard = $1 and w.queue = j.queue
      and (w.priority, w.run_at, w.id) < (j.priority, j.run_at, j.id) limit $3::int + 1) w)::int as ahead,
    array(select h.id || coalesce(' on ' || (
        select w.worker from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
        cross join lateral (select worker from simple_queue.lease where id = c.lease and shard = $1) w
        where c.shard = $1 and h.id = any(c.jobs) and u.id = h.id limit 1), '')
      from (select id from holder order by id limit 5) h) as holders
  from j cross join lateral (select name from simple_queue.queue where id = j.queue) q
  left join lateral (
    select concurrency, rate, per_ms, step_ms, burst from simple_queue.fleet_limit where name = q.name || '/*' and shard = $1) l on true
  left join lateral (
    select (extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms as first_ms from (select next_at, l.step_ms as step_ms, l.burst as burst from simple_queue.key_bucket
      where limit_key = j.limit_key and shard = $1 and queue = j.queue) b) k on true;
