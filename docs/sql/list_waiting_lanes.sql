-- $1 smallint, $2 integer
prepare list_waiting_lanes as
select l.id as lane, q.name as queue, l.name, l.labels, r.n as jobs, (
    select count(*) from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))::int as workers
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  cross join lateral (
    select count(*)::int as n from (
      (select 1 from simple_queue.ready where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select 1 from simple_queue.fair_ready where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select 1 from simple_queue.suspect where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select 1 from simple_queue.scheduled where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1) union all
      (select 1 from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1) union all
      (select 1 from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1) union all
      (select 1 from simple_queue.staged where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1)) w) r
  where q.paused_at is null and r.n > 0 order by q.name, l.name, l.labels limit 10000;
