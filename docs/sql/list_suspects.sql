-- $1 smallint, $2 integer[], $3 uuid, $4 integer
prepare list_suspects as
select s.id from unnest($2::int[]) q(lane) cross join lateral (
    select id from simple_queue.suspect where lane = q.lane and shard = $1 and id > $3::uuid) s
  order by s.id limit $4::int;
