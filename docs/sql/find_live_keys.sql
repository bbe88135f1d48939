-- $1 smallint, $2 integer[], $3 integer[], $4 text[]
prepare find_live_keys as
select u.position, j.id
  from unnest($2::int[], $3::int[], $4::text[]) u(position, queue, unique_key)
  cross join lateral (
    select id from simple_queue.job
    where unique_key = u.unique_key and shard = $1 and queue = u.queue limit 1) j;
