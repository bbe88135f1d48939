-- $1 smallint, $2 integer[], $3 integer
prepare count_dead_letters as
select d.state, count(*)::int as jobs from unnest($2::int[]) q(lane) cross join lateral (
    select state from simple_queue.dead_letter where lane = q.lane and shard = $1 order by id desc limit $3::int) d
  group by d.state;
