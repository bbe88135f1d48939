-- $1 smallint, $2 integer, $3 integer, $4 integer, $5 integer
prepare count_pending as
with l as materialized (
    select id, (-32768)::smallint as least, 32767::smallint as most, '-infinity'::timestamptz as since, 'infinity'::timestamptz as upto,
      0::bigint as first, 9223372036854775807 as last, 0 as lowest, 2147483647 as highest
    from simple_queue.lane where queue = $2::int),
  p as materialized (select count(*)::int as pending from (
    select from l cross join lateral (
      (select from simple_queue.ready where lane = l.id and shard = $1 and priority >= l.least and priority <= l.most and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.fair_ready where lane = l.id and shard = $1 and group_name >= '' limit $3::int) union all
      (select from simple_queue.suspect where lane = l.id and shard = $1 and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.scheduled where lane = l.id and lane > 0 and shard = $1 and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1 and seq >= l.first and seq <= l.last limit $3::int) union all
      (select from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.staged where lane = l.id and lane > 0 and shard = $1 and epoch >= l.lowest and epoch <= l.highest limit $3::int)) w
    limit $3::int) w),
  given as (
    insert into simple_queue.headroom (queue, shard, most, free, counted_at)
    select $2::int, $1, $3::int, case when $3::int - pending - $5::int >= 1000 then ($3::int - pending - $5::int) / 2 else 0 end, statement_timestamp()
    from p where $3::int >= 2000
    on conflict (queue, shard) do update set most = excluded.most, free = excluded.free, counted_at = excluded.counted_at
      where headroom.free > 0 or excluded.free > 0)
  select pending, exists (select from simple_queue.lane where id = $4::int and unused_at is null) as known from p;
