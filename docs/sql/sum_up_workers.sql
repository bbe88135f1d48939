-- $1 smallint, $2 double precision
prepare sum_up_workers as
with turn as materialized (
    select pg_try_advisory_xact_lock(hashtextextended('simple_queue.tally', 0)) as mine),
  oldest as materialized (
    select date_trunc('minute', min(minute), 'UTC') as since from simple_queue.tally
    where shard = $1 and grain = 0 and minute < date_trunc('minute', statement_timestamp() - $2::float8 * interval '1 millisecond', 'UTC')
      and (select mine from turn)),
  lanes as materialized (
    select distinct lane from simple_queue.tally where shard = $1 and grain = 0
      and minute >= (select since from oldest) and minute < (select since from oldest) + interval '1 minute' limit 5000),
  gone as (
    delete from simple_queue.tally where shard = $1 and grain = 0 and lane = any(array(select lane from lanes))
      and minute >= (select since from oldest) and minute < (select since from oldest) + interval '1 minute'
    returning *),
  summed as (
    insert into simple_queue.tally (lane, shard, minute, grain, worker, expires_at, started, succeeded, retried, rescheduled, released, cancelled, failed, lost, wait, run)
      select t.lane, $1, o.since, 1, '', o.since + (t.expires_at - t.minute), sum(t.started)::bigint as started, sum(t.succeeded)::bigint as succeeded, sum(t.retried)::bigint as retried, sum(t.rescheduled)::bigint as rescheduled, sum(t.released)::bigint as released, sum(t.cancelled)::bigint as cancelled, sum(t.failed)::bigint as failed, sum(t.lost)::bigint as lost, array[nullif(sum(t.wait[1]), 0), nullif(sum(t.wait[2]), 0), nullif(sum(t.wait[3]), 0), nullif(sum(t.wait[4]), 0), nullif(sum(t.wait[5]), 0), nullif(sum(t.wait[6]), 0), nullif(sum(t.wait[7]), 0), nullif(sum(t.wait[8]), 0), nullif(sum(t.wait[9]), 0), nullif(sum(t.wait[10]), 0), nullif(sum(t.wait[11]), 0), nullif(sum(t.wait[12]), 0), nullif(sum(t.wait[13]), 0), nullif(sum(t.wait[14]), 0), nullif(sum(t.wait[15]), 0), nullif(sum(t.wait[16]), 0), nullif(sum(t.wait[17]), 0), nullif(sum(t.wait[18]), 0), nullif(sum(t.wait[19]), 0), nullif(sum(t.wait[20]), 0), nullif(sum(t.wait[21]), 0), nullif(sum(t.wait[22]), 0), nullif(sum(t.wait[23]), 0), nullif(sum(t.wait[24]), 0), nullif(sum(t.wait[25]), 0), nullif(sum(t.wait[26]), 0), nullif(sum(t.wait[27]), 0), nullif(sum(t.wait[28]), 0), nullif(sum(t.wait[29]), 0), nullif(sum(t.wait[30]), 0), nullif(sum(t.wait[31]), 0), nullif(sum(t.wait[32]), 0)]::bigint[] as wait, array[nullif(sum(t.run[1]), 0), nullif(sum(t.run[2]), 0), nullif(sum(t.run[3]), 0), nullif(sum(t.run[4]), 0), nullif(sum(t.run[5]), 0), nullif(sum(t.run[6]), 0), nullif(sum(t.run[7]), 0), nullif(sum(t.run[8]), 0), nullif(sum(t.run[9]), 0), nullif(sum(t.run[10]), 0), nullif(sum(t.run[11]), 0), nullif(sum(t.run[12]), 0), nullif(sum(t.run[13]), 0), nullif(sum(t.run[14]), 0), nullif(sum(t.run[15]), 0), nullif(sum(t.run[16]), 0), nullif(sum(t.run[17]), 0), nullif(sum(t.run[18]), 0), nullif(sum(t.run[19]), 0), nullif(sum(t.run[20]), 0), nullif(sum(t.run[21]), 0), nullif(sum(t.run[22]), 0), nullif(sum(t.run[23]), 0), nullif(sum(t.run[24]), 0), nullif(sum(t.run[25]), 0), nullif(sum(t.run[26]), 0), nullif(sum(t.run[27]), 0), nullif(sum(t.run[28]), 0), nullif(sum(t.run[29]), 0), nullif(sum(t.run[30]), 0), nullif(sum(t.run[31]), 0), nullif(sum(t.run[32]), 0)]::bigint[] as run
      from (
        select lane, shard, minute, grain, worker, expires_at, started, succeeded, retried, rescheduled, released, cancelled, failed, lost, wait, run from gone union all
        select -1, shard, minute, grain, worker, expires_at, started, succeeded, retried, rescheduled, released, cancelled, failed, lost, wait, run from gone) t cross join oldest o group by t.lane, o.since, t.expires_at - t.minute
    on conflict (lane, shard, minute, grain, worker, expires_at) do update set
    started = tally.started + excluded.started, succeeded = tally.succeeded + excluded.succeeded, retried = tally.retried + excluded.retried, rescheduled = tally.rescheduled + excluded.rescheduled, released = tally.released + excluded.released, cancelled = tally.cancelled + excluded.cancelled, failed = tally.failed + excluded.failed, lost = tally.lost + excluded.lost,
    wait = array(
      select nullif(coalesce(a, 0) + coalesce(b, 0), 0) from unnest(tally.wait, excluded.wait) with ordinality u(a, b, n) order by n), run = array(
      select nullif(coalesce(a, 0) + coalesce(b, 0), 0) from unnest(tally.run, excluded.run) with ordinality u(a, b, n) order by n))
  select count(*)::int as gone from gone;
