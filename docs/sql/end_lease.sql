-- $1 smallint, $2 uuid
prepare end_lease as
delete from simple_queue.lease where id = $2::uuid and shard = $1;
