-- $1 smallint, $2 integer
prepare list_laneless_numbers as
with recursive step as (
    select 0 as lane, 0 as n
    union all
    select next.lane, s.n + 1 from step s cross join lateral (
      select min(lane) as lane from (
        (select lane from simple_queue.ready where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.fair_ready where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.suspect where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.scheduled where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.blocked where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.keyed where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1) union all
        (select lane from simple_queue.staged where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1)) w) next
    where s.n < $2::int and next.lane is not null)
  select s.lane as id from step s where s.n > 0 and not exists (select from simple_queue.lane l where l.id = s.lane) order by 1;
