-- $1 smallint, $2 text, $3 integer
prepare list_rates as
with page as materialized (
    select id, name from simple_queue.queue where ($2::text is null or name > $2) order by name limit $3::int),
  moment as materialized (select date_trunc('minute', statement_timestamp(), 'UTC') - interval '1 hour' as since)
  select q.name as queue, floor(extract(epoch from t.minute - m.since) / 300)::int as step, sum(t.started)::float8 as started,
    sum(t.retried + t.failed + t.lost)::float8 as failed, sum(t.succeeded + t.retried + t.failed + t.lost + t.rescheduled + t.released + t.cancelled)::float8 as ended
  from page q cross join moment m join simple_queue.lane l on l.queue = q.id cross join lateral (
    select * from simple_queue.tally where lane = l.id and shard = $1 and minute >= m.since and minute < m.since + interval '1 hour' offset 0) t
  group by 1, 2;
