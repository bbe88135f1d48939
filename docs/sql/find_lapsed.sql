-- $1 smallint, $2 uuid
prepare find_lapsed as
select jobs::text[] as jobs from simple_queue.lapsed where id = $2::uuid and shard = $1
  union all select jobs::text[] from simple_queue.lease where id = $2::uuid and shard = $1 and jobs is not null;
