-- $1 smallint, $2 uuid
prepare lose_lease as
with held as materialized (
    select c.lease from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
    where c.shard = $1 and u.id = $2::uuid)
  delete from simple_queue.lease where shard = $1 and id = any(array(select lease from held)) returning worker;
