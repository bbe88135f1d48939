-- $1 smallint, $2 uuid, $3 uuid[], $4 integer[], $5 integer[]
prepare store_steps as
insert into simple_queue.step (id, shard, workflow, stage, item)
  select id, $1, $2, stage, item from unnest($3::uuid[], $4::int[], $5::int[]) u(id, stage, item);
