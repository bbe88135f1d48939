-- $1 smallint, $2 uuid[]
prepare find_workflow_states as
select w.id, case when w.state = 'stuck' and (w.stop = 'abandoned' or exists (
      select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = w.id)) then 'compensating' else w.state end as state
  from simple_queue.workflow w where w.shard = $1 and w.id = any($2::uuid[]);
