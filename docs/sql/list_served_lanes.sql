-- $1 smallint, $2 text, $3 integer
prepare list_served_lanes as
select q.name as queue, l.name, l.labels, r.n as ready,
    (select count(*) from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))::int as workers
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  cross join lateral (
    select count(*)::int as n from (
      (select 1 from simple_queue.ready where lane = l.id and shard = $1 limit $3::int + 1) union all
      (select 1 from simple_queue.fair_ready where lane = l.id and shard = $1 limit $3::int + 1) union all
      (select 1 from simple_queue.suspect where lane = l.id and shard = $1 limit $3::int + 1)) w) r
  where $2::text is null or q.name = $2 order by q.name, l.name, l.labels;
