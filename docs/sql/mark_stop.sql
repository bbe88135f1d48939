-- $1 smallint, $2 uuid, $3 text
prepare mark_stop as
update simple_queue.workflow set stop = coalesce(stop, $3) where id = $2::uuid and shard = $1 and state = 'running' returning id;
