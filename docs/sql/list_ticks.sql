-- $1 smallint, $2 text, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone
prepare list_ticks as
select (extract(epoch from at) * 1000)::float8 as at, (extract(epoch from made_at) * 1000)::float8 as "madeAt", outcome, job as "jobId", times, code
  from simple_queue.tick
  where schedule = $2 and shard = $1 and at >= coalesce($4::timestamptz, '-infinity') and at <= coalesce($5::timestamptz, 'infinity')
  order by at desc limit $3;
