-- $1 smallint, $2 uuid
prepare mark_stuck as
update simple_queue.workflow set state = 'stuck' where id = $2::uuid and shard = $1 returning id, name, attempt;
