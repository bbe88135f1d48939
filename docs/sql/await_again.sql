-- $1 smallint, $2 uuid
prepare await_again as
insert into simple_queue.arrival (shard, kind, job, workflow)
  select $1, 'wait', id, workflow from simple_queue.step where workflow = $2::uuid and shard = $1 and awaits is not null and state is null;
