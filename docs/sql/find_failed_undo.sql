-- $1 smallint, $2 uuid
prepare find_failed_undo as
select id from simple_queue.step where workflow = $2::uuid and shard = $1 and stage < 0 and state in ('failed', 'cancelled');
