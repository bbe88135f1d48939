-- $1 smallint, $2 uuid[]
prepare find_ends as
select u.id::text as id, l.queue, e.state, e.output, e.last_error, coalesce(l.progress, e.progress) as progress
  from unnest($2::uuid[]) u(id)
  left join lateral (
    select (select q.name from simple_queue.queue q where q.id = j.queue) as queue, j.progress
    from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0) l on true
  left join lateral (
    select state, output, last_error, progress from (
      select state, output, last_error, progress, finished_at from simple_queue.archive a where a.id = u.id and a.shard = $1 and l.queue is null
      union all
      select state, output, last_error, progress, finished_at from simple_queue.dead_letter d where d.id = u.id and d.shard = $1 and l.queue is null) s
    order by finished_at desc limit 1) e on true;
