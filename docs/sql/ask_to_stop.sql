-- $1 smallint, $2 uuid, $3 text
prepare ask_to_stop as
insert into simple_queue.arrival (shard, kind, workflow, state)
  select $1, 'stop', id, $3 from simple_queue.workflow
  where id = $2::uuid and shard = $1 and (state = 'running' or $3 = 'abandoned' and state in ('compensating', 'stuck'))
  returning workflow as id;
