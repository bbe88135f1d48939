-- $1 smallint, $2 uuid, $3 integer, $4 jsonb
prepare fail_stage as
insert into simple_queue.arrival (shard, kind, job, state, error)
  select $1, 'end', id, 'failed', $4::jsonb from simple_queue.step
  where workflow = $2::uuid and shard = $1 and stage = $3::int and state is null;
