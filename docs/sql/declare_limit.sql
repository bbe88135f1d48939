-- $1 smallint, $2 text, $3 boolean, $4 integer, $5 integer, $6 integer, $7 double precision, $8 integer, $9 boolean, $10 text, $11 uuid
prepare declare_limit as
insert into simple_queue.fleet_limit as l (name, shard, of_queue, concurrency, rate, per_ms, step_ms, burst, strict, rule)
  values ($2, $1, $3, $4::int, $5::int, $6::int, $7::float8, $8::int, $9, $10)
  on conflict (name, shard) do update
    set of_queue = excluded.of_queue, concurrency = excluded.concurrency, rate = excluded.rate, per_ms = excluded.per_ms, step_ms = excluded.step_ms,
      burst = excluded.burst, strict = excluded.strict, rule = excluded.rule, version = excluded.version, next_at = statement_timestamp() + coalesce(greatest(0, extract(epoch from l.next_at - statement_timestamp())) * 1000 / l.step_ms * excluded.step_ms, 0) * interval '1 millisecond',
      held_until = case when l.of_queue = excluded.of_queue then l.held_until end
    where l.set_at is null and (l.of_queue = excluded.of_queue or l.rule = '{}') and l.rule <> excluded.rule and not exists (
      select from simple_queue.allotment a
      where a.name = $2 and a.shard = $1 and a.declares = l.rule and a.lease is distinct from $11::uuid
        and exists (select from simple_queue.lease e where e.id = a.lease and e.shard = $1 and e.expires_at > statement_timestamp()))
  returning 1;
