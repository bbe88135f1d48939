-- $1 smallint, $2 uuid
prepare explain_laneless as
select j.lane, j.queue, (select name from simple_queue.queue q where q.id = j.queue) as name from (
    select lane, queue from simple_queue.job where id = $2::uuid and shard = $1 union all
    select lane, null from simple_queue.dead_letter where id = $2::uuid and shard = $1 union all
    select lane, null from simple_queue.archive where id = $2::uuid and shard = $1) j
  where not exists (select from simple_queue.lane l where l.id = j.lane) limit 1;
