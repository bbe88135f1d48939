-- $1 smallint, $2 uuid
prepare find_failed_steps as
select id from simple_queue.step where workflow = $2::uuid and shard = $1 and state in ('failed', 'cancelled') and stage >= 0 order by stage, item;
