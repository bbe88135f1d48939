-- $1 smallint, $2 bigint
prepare stopped as
delete from simple_queue.arrival where kind = 'stop' and shard = $1 and id = $2::bigint;
