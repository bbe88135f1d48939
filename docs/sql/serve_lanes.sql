-- $1 smallint, $2 uuid, $3 integer[], $4 jsonb, $5 double precision
prepare serve_lanes as
with said as materialized (
    select q.id, w.policy || jsonb_build_object('kept', k.others || jsonb_build_object(k.ms, extract(epoch from statement_timestamp())::float8)) as policy
    from simple_queue.queue q
    cross join lateral (
      select coalesce($4::jsonb -> q.name, $4::jsonb -> '') as policy, q.policy - '{kept,by,asked}'::text[] as held,
        coalesce($5::float8, extract(epoch from statement_timestamp())::float8) as me, coalesce((q.policy ->> 'by')::float8, 0) as by, (q.policy ->> 'asked')::float8 as asked) u
    cross join lateral (
      select case
        when u.policy = u.held and (u.asked is null or u.me < u.by) then q.policy
        when u.policy = u.held or (u.me >= u.by or u.asked < extract(epoch from statement_timestamp())::float8 - 180) then u.policy || jsonb_build_object('by', u.me)
        else q.policy || jsonb_build_object('asked', coalesce(u.asked, extract(epoch from statement_timestamp())::float8)) end as policy) w
    cross join lateral (
      select least(coalesce((u.policy ->> 'archive')::float8, 0), (u.policy ->> 'deadLetter')::float8)::numeric::text as ms,
        coalesce((select jsonb_object_agg(key, value) from jsonb_each(q.policy -> 'kept') where value::float8 > extract(epoch from statement_timestamp())::float8 - 2592000), '{}') as others) k
    where q.id = any(array(select queue from simple_queue.lane where id = any($3::int[]))) and u.policy is not null
      and (w.policy - 'kept' is distinct from q.policy - 'kept' or coalesce((q.policy -> 'kept' ->> k.ms)::float8, 0) < extract(epoch from statement_timestamp())::float8 - 1800)
    for no key update of q skip locked),
  declared as (update simple_queue.queue q set policy = s.policy from said s where q.id = s.id),
  served as (update simple_queue.lease set lanes = $3::int[] where id = $2::uuid and shard = $1 and lanes <> $3::int[])
  select coalesce($5::float8, extract(epoch from statement_timestamp())::float8) as by,
    (select jsonb_agg(jsonb_build_object('queue', name, 'policy', held)) from (
      select q.name, u.held from simple_queue.queue q
    cross join lateral (
      select coalesce($4::jsonb -> q.name, $4::jsonb -> '') as policy, q.policy - '{kept,by,asked}'::text[] as held,
        coalesce($5::float8, extract(epoch from statement_timestamp())::float8) as me, coalesce((q.policy ->> 'by')::float8, 0) as by, (q.policy ->> 'asked')::float8 as asked) u
      where q.id = any(array(select queue from simple_queue.lane where id = any($3::int[]))) and u.policy <> u.held and (u.me >= u.by or u.asked < extract(epoch from statement_timestamp())::float8 - 180) is not true order by q.name limit 100) o) as overruled;
