-- $1 smallint, $2 uuid, $3 integer
prepare list_all_dead_letters as
select id from simple_queue.dead_letter where shard = $1 and id < $2::uuid order by id desc limit $3::int;
