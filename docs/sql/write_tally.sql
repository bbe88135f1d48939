-- $1 smallint, $2 text, $3 double precision, $4 jsonb, $5 double precision
prepare write_tally as
with moment as materialized (
    select date_trunc('minute', statement_timestamp() - $3::float8 / 2 * interval '1 millisecond', 'UTC') as minute)
  insert into simple_queue.tally (lane, shard, minute, grain, worker, expires_at, started, succeeded, retried, rescheduled, released, cancelled, failed, lost, wait, run)
    select r.lane, $1, m.minute, 0, $2, m.minute + $5::float8 * interval '1 millisecond', r.started, r.succeeded, r.retried, r.rescheduled, r.released, r.cancelled, r.failed, r.lost, r.wait, r.run
    from jsonb_to_recordset($4::jsonb) r(lane int, started bigint, succeeded bigint, retried bigint, rescheduled bigint, released bigint, cancelled bigint, failed bigint, lost bigint, wait bigint[], run bigint[])
    cross join moment m
  on conflict (lane, shard, minute, grain, worker, expires_at) do update set
    started = tally.started + excluded.started, succeeded = tally.succeeded + excluded.succeeded, retried = tally.retried + excluded.retried, rescheduled = tally.rescheduled + excluded.rescheduled, released = tally.released + excluded.released, cancelled = tally.cancelled + excluded.cancelled, failed = tally.failed + excluded.failed, lost = tally.lost + excluded.lost,
    wait = array(
      select nullif(coalesce(a, 0) + coalesce(b, 0), 0) from unnest(tally.wait, excluded.wait) with ordinality u(a, b, n) order by n), run = array(
      select nullif(coalesce(a, 0) + coalesce(b, 0), 0) from unnest(tally.run, excluded.run) with ordinality u(a, b, n) order by n);
