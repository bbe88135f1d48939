-- $1 smallint, $2 uuid, $3 uuid[], $4 integer[], $5 integer[], $6 text[]
prepare store_steps as
insert into simple_queue.step (id, shard, workflow, stage, item, added)
  select id, $1, $2, stage, item, added from unnest($3::uuid[], $4::int[], $5::int[], $6::text[]) u(id, stage, item, added);
