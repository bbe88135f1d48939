-- $1 smallint, $2 integer, $3 integer, $4 integer
prepare count_pending as
with l as materialized (
    select id, (-32768)::smallint as least, 32767::smallint as most, '-infinity'::timestamptz as since, 'infinity'::timestamptz as upto,
      0::bigint as first, 9223372036854775807 as last, 0 as lowest, 2147483647 as highest
    from simple_queue.lane where queue = $2::int)
  select count(*)::int as pending, exists (select from simple_queue.lane where id = $4::int and unused_at is null) as known from (
    select from l cross join lateral (
      (select from simple_queue.ready where lane = l.id and shard = $1 and priority >= l.least and priority <= l.most and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.fair_ready where lane = l.id and shard = $1 and group_name >= '' limit $3::int) union all
      (select from simple_queue.suspect where lane = l.id and shard = $1 and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.scheduled where lane = l.id and lane > 0 and shard = $1 and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1 and seq >= l.first and seq <= l.last limit $3::int) union all
      (select from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 and run_at >= l.since and run_at <= l.upto limit $3::int) union all
      (select from simple_queue.staged where lane = l.id and lane > 0 and shard = $1 and epoch >= l.lowest and epoch <= l.highest limit $3::int)) w
    limit $3::int) p;
