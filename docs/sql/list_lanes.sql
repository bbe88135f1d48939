-- $1 text[], $2 boolean[], $3 text[], $4 integer, $5 text[]
prepare list_lanes as
select l.created_at, l.id, l.queue as "queueId", q.name as queue, l.name, l.labels, l.served_at is null as fresh
  from (select distinct * from unnest($1::text[], $2::boolean[], $3::text[]) u(queue, beginning, name)) u
  cross join lateral (
    (select id, name from simple_queue.queue where name = u.queue and not u.beginning) union all
    (select id, name from simple_queue.queue where starts_with(name, u.queue) and u.beginning)) q
  cross join lateral (
    (select * from simple_queue.lane where queue = q.id and name = u.name) union all
    (select * from simple_queue.lane where queue = q.id and u.name is null)) l
  where l.labels <@ $5::text[]
  group by l.id, l.created_at, l.served_at, l.queue, q.name, l.name, l.labels
  order by bool_or(l.labels = '{}' and not u.beginning and l.name = coalesce(u.name, '')) desc, l.created_at, l.id limit $4::int;
