-- $1 smallint, $2 text, $3 boolean, $4 double precision
prepare hold_limit as
insert into simple_queue.fleet_limit as l (name, shard, of_queue, rule, held_until)
  values ($2, $1, $3, '{}', statement_timestamp() + $4::float8 * interval '1 millisecond')
  on conflict (name, shard) do update set held_until = greatest(l.held_until, excluded.held_until), version = excluded.version
    where l.of_queue = excluded.of_queue
  returning 1;
