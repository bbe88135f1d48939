-- $1 text[], $2 integer[], $3 text[]
prepare declare_outcomes as
with ended as (
    delete from simple_queue.outcome where queue = any(array(select id from simple_queue.queue where name = any($3::text[]))))
  insert into simple_queue.outcome (queue, lane)
  select q.id, u.lane from unnest($1::text[], $2::int[]) u(name, lane) join simple_queue.queue q on q.name = u.name
  on conflict (queue) do update set lane = excluded.lane;
