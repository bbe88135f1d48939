-- $1 smallint, $2 uuid[], $3 text[], $4 boolean[]
prepare find_circle as
with recursive asking as materialized (
    select u.id, u.awaits::jsonb as awaits, u.made from unnest($2::uuid[], $3::text[], $4::boolean[]) u(id, awaits, made)),
  back as materialized (
    select id, awaits from asking k where case
      when k.made or exists (select from simple_queue.given_id g where g.id = k.id and g.shard = $1 offset 0)
      then exists (select from simple_queue.arrival a where a.kind = 'depend' and a.shard = $1 and a.more -> 'awaits'::text ? k.id::text)
        and not (exists (select from simple_queue.job j where j.id = k.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = k.id and o.shard = $1 and o.state is null offset 0)
      or exists (select from simple_queue.archive e where e.id = k.id and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = k.id and e.shard = $1 offset 0)) end),
  path as (
    select r.id as start, t.id::uuid from back r cross join lateral pg_catalog.jsonb_array_elements_text(r.awaits) t(id)
    union
    select p.start, t.id::uuid from path p cross join lateral (
      select k.awaits from asking k where k.id = p.id
      union all
      select a.more -> 'awaits'::text from simple_queue.arrival a
      join simple_queue.job j on j.id = a.job and j.shard = $1 and j.epoch = (a.more ->> 'epoch'::text)::int and j.commit_by is not null
      where a.kind = 'depend' and a.shard = $1 and a.job = p.id) n
    cross join lateral pg_catalog.jsonb_array_elements_text(n.awaits) t(id))
  select start as id from path where id = start limit 1;
