-- $1 smallint, $2 uuid, $3 uuid
prepare close_pulled as
with ended as (
    delete from simple_queue.lease where id = $2::uuid and shard = $1 and jobs <@ array[$3::uuid] returning id),
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(select id from ended)))
  update simple_queue.lease set jobs = array_remove(jobs, $3::uuid)
  where id = $2::uuid and shard = $1 and not exists (select from ended);
