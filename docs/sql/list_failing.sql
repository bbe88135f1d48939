-- $1 smallint, $2 integer[], $3 integer
prepare list_failing as
select j.id, q.name as queue, l.name, j.last_error - 'causes' as error
  from (select id from simple_queue.scheduled where shard = $1 order by run_at, id limit 1000) s
  cross join lateral (select id, lane, last_error from simple_queue.job where id = s.id and shard = $1 offset 0) j
  join simple_queue.lane l on l.id = j.lane join simple_queue.queue q on q.id = l.queue
  where j.last_error is not null and ($2::int[] is null or j.lane = any($2::int[])) limit $3::int;
