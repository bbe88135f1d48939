-- $1 smallint, $2 text, $3 uuid, $4 integer
prepare list_by_fingerprint as
select u.id from (
    (select id from simple_queue.job where fingerprint = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int) union all
    (select id from simple_queue.dead_letter where fingerprint = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int) union all
    (select id from simple_queue.archive where fingerprint = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int)) u
  order by u.id desc limit $4::int;
