-- $1 smallint, $2 text[], $3 text[]
prepare find_live_keys_by_name as
select (u.position - 1)::int as position from unnest($2::text[], $3::text[]) with ordinality u(queue, unique_key, position)
  join simple_queue.queue q on q.name = u.queue
  cross join lateral (
    select id from simple_queue.job where unique_key = u.unique_key and shard = $1 and queue = q.id limit 1) j;
