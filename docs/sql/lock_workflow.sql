-- $1 smallint, $2 uuid
prepare lock_workflow as
select id, name, state, stop, exists (
    select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = w.id) as asked
  from simple_queue.workflow w where id = $2::uuid and shard = $1 for update of w;
