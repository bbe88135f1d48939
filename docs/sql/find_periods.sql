-- $1 smallint, $2 integer[], $3 integer[], $4 text[]
prepare find_periods as
select u.position, t.job as id
  from unnest($2::int[], $3::int[], $4::text[]) u(position, queue, unique_key)
  cross join lateral (
    select job, ends_at from simple_queue.throttle where unique_key = u.unique_key and shard = $1 and queue = u.queue offset 0) t
  where t.ends_at > statement_timestamp();
