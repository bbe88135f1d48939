-- $1 smallint, $2 uuid
prepare wake_undo as
insert into simple_queue.arrival (shard, kind, workflow) values ($1, 'undo', $2::uuid);
