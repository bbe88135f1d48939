-- $1 smallint, $2 uuid[]
prepare find_workflow_states as
select id, state from simple_queue.workflow where shard = $1 and id = any($2::uuid[]);
