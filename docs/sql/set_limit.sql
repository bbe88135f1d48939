-- $1 smallint, $2 text, $3 boolean, $4 integer, $5 integer, $6 integer, $7 double precision, $8 integer, $9 boolean, $10 text
prepare set_limit as
insert into simple_queue.fleet_limit as l (name, shard, of_queue, concurrency, rate, per_ms, step_ms, burst, strict, rule, set_at)
  select $2, $1, $3, $4::int, $5::int, $6::int, $7::float8, $8::int, $9, $10, statement_timestamp()
  where $3 and exists (select from simple_queue.queue where name = $2)
    or exists (select from simple_queue.fleet_limit where name = $2 and shard = $1)
  on conflict (name, shard) do update
    set concurrency = excluded.concurrency, rate = excluded.rate, per_ms = excluded.per_ms, step_ms = excluded.step_ms, burst = excluded.burst,
      strict = excluded.strict, rule = excluded.rule, version = excluded.version, set_at = excluded.set_at,
      next_at = statement_timestamp() + coalesce(greatest(0, extract(epoch from l.next_at - statement_timestamp())) * 1000 / l.step_ms * excluded.step_ms, 0) * interval '1 millisecond', held_until = null
  returning 1;
