-- $1 smallint, $2 uuid, $3 text, $4 double precision, $5 integer[], $6 text[], $7 jsonb, $8 jsonb
prepare take_lease as
with said as materialized (
    select q.id, u.policy from simple_queue.queue q
    cross join lateral (select coalesce($8::jsonb -> q.name, $8::jsonb -> '') as policy) u
    where q.id = any(array(select queue from simple_queue.lane where id = any($5::int[]))) and u.policy <> coalesce(q.policy, '{}')
    for no key update of q skip locked),
  declared as (update simple_queue.queue q set policy = s.policy from said s where q.id = s.id)
  insert into simple_queue.lease (id, shard, worker, expires_at, lanes, schedules, about)
  values ($2::uuid, $1, $3, statement_timestamp() + $4::float8 * interval '1 millisecond', $5::int[], $6::text[], $7::jsonb);
