-- $1 smallint, $2 uuid
prepare lock_workflow as
select id, name, state, stop from simple_queue.workflow where id = $2::uuid and shard = $1 for update;
