-- $1 smallint, $2 integer[], $3 uuid, $4 integer
prepare list_dead_letters as
select d.id from unnest($2::int[]) q(lane) cross join lateral (
    select id from simple_queue.dead_letter where lane = q.lane and shard = $1 and id < $3::uuid order by id desc limit $4::int) d
  order by d.id desc limit $4::int;
