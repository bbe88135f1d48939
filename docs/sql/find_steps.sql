-- $1 smallint, $2 uuid[]
prepare find_steps as
select id from simple_queue.step where id = any($2::uuid[]) and shard = $1;
