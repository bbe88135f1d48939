-- $1 smallint, $2 jsonb
prepare list_slow_keys as
select f.name, (count(*) filter (where k.jobs * f.per_ms::float8 / f.rate > 86400000))::int as keys, max(k.jobs)::int as jobs,
    (count(*) filter (where k.ms / f.concurrency > 86400000))::int as "fullKeys", max(k.ms) as ms
  from simple_queue.fleet_limit f join simple_queue.queue q on f.name = q.name || '/*'
  cross join lateral (
    select limit_key, count(*) as jobs, sum(each) as ms
    from (select id, ($2::jsonb ->> id::text)::float8 as each from simple_queue.lane where queue = q.id) l cross join lateral (
      select limit_key from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit 10000) w
    group by limit_key) k
  where f.shard = $1 and q.paused_at is null and (k.jobs * f.per_ms::float8 / f.rate > 86400000 or k.ms / f.concurrency > 86400000)
  group by f.name order by f.name limit 1000;
