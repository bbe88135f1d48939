-- $1 smallint, $2 integer, $3 integer
prepare list_lanes_with_jobs as
with recursive step as (
    select $2::int as lane, 0 as n
    union all
    select next.lane, s.n + 1 from step s cross join lateral (
      select min(lane) as lane from (
        (select lane from simple_queue.ready where lane > s.lane and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.fair_ready where lane > s.lane and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.suspect where lane > s.lane and shard = $1 order by lane limit 1)) w) next
    where s.n < $3::int and next.lane is not null)
  select s.lane as id, q.id as "queueId", q.name as queue, l.name, l.labels
  from step s left join simple_queue.lane l on l.id = s.lane left join simple_queue.queue q on q.id = l.queue
  where s.n > 0 order by s.lane;
