-- $1 smallint
prepare list_slow_keys as
select f.name, count(*)::int as keys, max(k.jobs)::int as jobs
  from simple_queue.fleet_limit f join simple_queue.queue q on f.name = q.name || '/*'
  cross join lateral (
    select limit_key, count(*) as jobs
    from simple_queue.lane l cross join lateral (
      select limit_key from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit 10000) w
    where l.queue = q.id group by limit_key) k
  where f.shard = $1 and f.rate is not null and q.paused_at is null and k.jobs * f.per_ms::float8 / f.rate > 86400000
  group by f.name order by f.name limit 1000;
