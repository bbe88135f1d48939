-- $1 text[], $2 text[], $3 text[], $4 integer, $5 integer
prepare register_lanes as
with u as materialized (select distinct * from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels)),
  q as materialized (
    select id, name, $5::int - (select count(*) from (select from simple_queue.lane where queue = q.id limit $5::int) n) as room,
      $4::int - (select count(*) from simple_queue.lane where queue = q.id and labels <> '{}') as labelled
    from simple_queue.queue q where name = any(array(select queue from u))),
  fresh as materialized (
    select q.id, q.room, q.labelled, u.name, u.labels,
      row_number() over (partition by q.id order by u.labels <> '', u.name, u.labels) as nth,
      row_number() over (partition by q.id, u.labels <> '' order by u.name, u.labels) as alike
    from u join q on q.name = u.queue where not exists (select from simple_queue.lane l where l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ',')))
  insert into simple_queue.lane (queue, name, labels)
  select id, name, string_to_array(labels, ',') from fresh where nth <= room and (labels = '' or alike <= labelled)
  union all
  select l.queue, l.name, l.labels from u join q on q.name = u.queue join simple_queue.lane l on l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ',') and l.unused_at is not null
  order by 1, 2, 3
  on conflict (queue, name, labels) do update set unused_at = null where lane.unused_at is not null;
