-- $1 smallint, $2 text[], $3 integer
prepare list_limits as
select name, of_queue as "ofQueue", concurrency, rate, per_ms as "perMs", burst, strict, rule, set_at as "setAt", version,
    coalesce(greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8, 0) as "heldMs"
  from simple_queue.fleet_limit where shard = $1 and ($2::text[] is null or name = any($2)) order by name limit $3::int;
