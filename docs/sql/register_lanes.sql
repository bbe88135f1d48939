-- $1 text[], $2 text[], $3 text[], $4 integer, $5 integer
prepare register_lanes as
insert into simple_queue.lane (queue, name, labels)
  select distinct q.id, u.name, string_to_array(u.labels, ',')
  from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels) join simple_queue.queue q on q.name = u.queue
  where exists (select from simple_queue.lane l where l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ',') and l.unused_at is not null)
    or (not exists (select from simple_queue.lane l where l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ','))
      and (u.labels = '' or (select count(*) from simple_queue.lane l where l.queue = q.id and l.labels <> '{}') < $4::int)
      and (select count(*) from (select from simple_queue.lane l where l.queue = q.id limit $5::int) n) < $5::int)
  order by 1, 2, 3
  on conflict (queue, name, labels) do update set unused_at = null where lane.unused_at is not null;
