-- $1 smallint, $2 text, $3 uuid, $4 integer
prepare list_by_error_key as
select id from simple_queue.dead_letter where error_key = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int;
