-- $1 smallint, $2 uuid, $3 uuid[], $4 integer[], $5 uuid[]
prepare await_jobs as
with awaiting as (
    insert into simple_queue.step (id, shard, workflow, stage, item, awaits)
    select u.id, $1, $2::uuid, u.stage, 0, u.job from unnest($3::uuid[], $4::int[], $5::uuid[]) u(id, stage, job) returning id)
  insert into simple_queue.arrival (shard, kind, job, workflow) select $1, 'wait', id, $2::uuid from awaiting;
