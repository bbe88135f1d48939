-- $1 smallint, $2 uuid, $3 integer[], $4 text[], $5 integer[], $6 boolean[], $7 boolean[]
prepare store_compensations as
with marked as (update simple_queue.workflow set saga = true where id = $2::uuid and shard = $1)
  insert into simple_queue.stage (workflow, shard, n, name, jobs, open, waits, plain, begun, many)
  select $2::uuid, $1, -1 - u.n, u.name, u.jobs, u.jobs, 0, u.plain, false, u.many
  from unnest($3::int[], $4::text[], $5::int[], $6::boolean[], $7::boolean[]) u(n, name, jobs, many, plain);
