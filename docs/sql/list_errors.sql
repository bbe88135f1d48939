-- $1 smallint, $2 integer[], $3 timestamp with time zone, $4 integer, $5 integer
prepare list_errors as
with recursive step as (
    (select error_key from simple_queue.dead_letter where error_key is not null and shard = $1 order by error_key limit 1)
    union all
    select n.error_key from step s cross join lateral (
      select error_key from simple_queue.dead_letter where error_key > s.error_key and shard = $1 order by error_key limit 1) n),
  key as materialized (
    select s.error_key from (select error_key from step limit 5000) s cross join lateral (
      select finished_at from (select id, lane, finished_at from simple_queue.dead_letter where error_key = s.error_key and shard = $1
      order by id desc limit $4::int + 1) w where ($2::int[] is null or w.lane = any($2::int[])) and ($3::timestamptz is null or w.finished_at > $3::timestamptz) limit 1) n
    order by n.finished_at desc limit $5::int)
  select k.error_key as key, c.jobs, c."firstAt", c."lastAt", e.id, e.state, coalesce(q.name, 'unknown') as queue, coalesce(l.name, '') as name, e.last_error - '{stack,causes}'::text[] as error
  from key k cross join lateral (
    select count(*)::int as jobs, min(w.finished_at) as "firstAt", max(w.finished_at) as "lastAt", max(w.id::text)::uuid as newest
    from (select id, lane, finished_at from simple_queue.dead_letter where error_key = k.error_key and shard = $1
      order by id desc limit $4::int + 1) w where ($2::int[] is null or w.lane = any($2::int[])) and ($3::timestamptz is null or w.finished_at > $3::timestamptz)) c
  cross join lateral (
    select id, state, lane, last_error from simple_queue.dead_letter where id = c.newest and shard = $1 limit 1) e
  left join simple_queue.lane l on l.id = e.lane left join simple_queue.queue q on q.id = l.queue;
