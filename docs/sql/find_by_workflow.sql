-- $1 smallint, $2 text, $3 text, $4 uuid[], $5 uuid
prepare find_by_workflow as
select j.id from simple_queue.job j
  where j.options ->> 'workflowId'::text = $2 and j.shard = $1 and j.cancel_at is null and not j.id = any($4::uuid[])
    and ($3::text is null or j.queue = (select q.id from simple_queue.queue q where q.name = $3))
    and not exists (select from simple_queue.workflow w where w.id = $5::uuid and w.shard = $1 and w.state = 'running' and w.stop is null) limit 1000;
