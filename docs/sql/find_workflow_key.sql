-- $1 smallint, $2 text, $3 text
prepare find_workflow_key as
select id from simple_queue.workflow where unique_key = $2 and shard = $1 and name = $3 and ended_at is null;
