-- $1 smallint, $2 uuid, $3 text, $4 integer
prepare grow_stage as
with grown as (
    update simple_queue.stage set jobs = jobs + $4::int, open = open + $4::int
    where workflow = $2::uuid and shard = $1 and name = $3 and begun and not skipped and open > 0
    returning n, jobs - $4::int as item),
  counted as (
    update simple_queue.workflow set jobs = jobs + $4::int where id = $2::uuid and shard = $1 and exists (select from grown) returning jobs)
  select g.n as stage, g.item, c.jobs from grown g, counted c;
