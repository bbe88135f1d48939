-- $1 text[], $2 text[], $3 text[], $4 integer
prepare find_lanes as
with u as materialized (select * from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels)),
  q as materialized (
    select id, name, (select count(*) from (select from simple_queue.lane where queue = q.id limit $4::int + 1) n)::int as lanes,
      (select jsonb_agg(jsonb_build_object('ms', key::float8, 'agoMs', 1000 * (extract(epoch from statement_timestamp())::float8 - value::float8)))
        from jsonb_each(policy -> 'kept')) as kept
    from simple_queue.queue q where name = any(array(select queue from u)))
  select l.id, q.id as "queueId", q.name as queue, l.name, l.labels, q.lanes,
    l.served_at is null as fresh, q.kept
  from u join q on q.name = u.queue
  cross join lateral (select * from simple_queue.lane l where l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ',') and unused_at is null offset 0) l;
