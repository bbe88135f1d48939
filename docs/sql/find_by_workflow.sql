-- $1 smallint, $2 text, $3 text, $4 uuid[]
prepare find_by_workflow as
select j.id from simple_queue.job j
  where j.options ->> 'workflowId'::text = $2 and j.shard = $1 and j.cancel_at is null and not j.id = any($4::uuid[])
    and ($3::text is null or j.queue = (select q.id from simple_queue.queue q where q.name = $3)) limit 1000;
