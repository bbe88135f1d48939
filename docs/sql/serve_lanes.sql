-- $1 smallint, $2 uuid, $3 integer[], $4 jsonb
prepare serve_lanes as
with said as materialized (
    select q.id, u.policy from simple_queue.queue q
    cross join lateral (select coalesce($4::jsonb -> q.name, $4::jsonb -> '') as policy) u
    where q.id = any(array(select queue from simple_queue.lane where id = any($3::int[]))) and u.policy <> coalesce(q.policy, '{}')
    for no key update of q skip locked),
  declared as (update simple_queue.queue q set policy = s.policy from said s where q.id = s.id)
  update simple_queue.lease set lanes = $3::int[] where id = $2::uuid and shard = $1 and lanes <> $3::int[];
