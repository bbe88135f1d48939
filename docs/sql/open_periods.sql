-- $1 smallint, $2 integer[], $3 text[], $4 uuid[], $5 double precision[]
prepare open_periods as
insert into simple_queue.throttle as t (unique_key, shard, queue, job, ends_at)
  select u.unique_key, $1, u.queue, u.job, statement_timestamp() + u.period_ms * interval '1 millisecond'
  from unnest($2::int[], $3::text[], $4::uuid[], $5::float8[]) u(queue, unique_key, job, period_ms)
  on conflict (unique_key, shard, queue) do update set job = excluded.job, ends_at = excluded.ends_at
    where t.ends_at <= statement_timestamp()
  returning job as id;
