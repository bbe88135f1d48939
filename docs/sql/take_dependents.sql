-- $1 smallint, $2 bigint
prepare take_dependents as
with recursive seen as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id > $2::bigint order by id limit 500),
  pairs as materialized (
    select s.id, s.job, t.id::uuid as awaits from seen s cross join lateral jsonb_array_elements_text(s.awaits) t(id)),
  over as materialized (
    select u.id, e.state is distinct from 'succeeded' as fails from (select distinct awaits as id from pairs) u
    cross join lateral (select exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id and o.shard = $1 and o.state is null offset 0) as live offset 0) l
    left join lateral (
      select s.* from (
        select 1 as way, now() as at, state, output, error from simple_queue.step o where o.id = u.id and o.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.archive a where a.id = u.id and a.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.dead_letter d where d.id = u.id and d.shard = $1) s
      where not l.live order by way, at desc limit 1) e on true
    where not l.live),
  touched as (
    select p.id, p.job, o.fails, 1 as depth from pairs p join over o on o.id = p.awaits
    union select s.id, s.job, false, 1 from seen s where not exists (
      select from simple_queue.job j where j.id = s.job and j.shard = $1 and j.epoch = s.epoch and j.commit_by is not null offset 0)
    union select p.id, p.job, true, t.depth + 1 from touched t join pairs p on p.awaits = t.job where t.fails and t.depth < 100),
  asked as materialized (select distinct id from touched order by id limit 100),
  page as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id = any(array(select f.id from asked f)) order by id for update skip locked),
  staged as materialized (
    select id, epoch from simple_queue.job where shard = $1 and id = any(array(select job from page))
      and commit_by > statement_timestamp() for update skip locked),
  looked as materialized (
    select p.id, u.id as awaits, l.live, e.state from page p join staged s on s.id = p.job and s.epoch = p.epoch
    cross join lateral jsonb_array_elements_text(p.awaits) t(id)
    cross join lateral (select t.id::uuid as id offset 0) u
    cross join lateral (select exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id and o.shard = $1 and o.state is null offset 0) as live offset 0) l
    left join lateral (
      select s.* from (
        select 1 as way, now() as at, state, output, error from simple_queue.step o where o.id = u.id and o.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.archive a where a.id = u.id and a.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.dead_letter d where d.id = u.id and d.shard = $1) s
      where not l.live order by way, at desc limit 1) e on true),
  failing as (
    select id, awaits, state from looked where not live and state is distinct from 'succeeded'
    union select l.id, l.awaits, 'expired' from failing f join page p on p.id = f.id join looked l on l.awaits = p.job and l.live),
  found as materialized (
    select id, jsonb_agg(awaits) filter (where live) as open, bool_or(not live) as fewer,
      (select jsonb_build_object('id', f.awaits, 'state', f.state) from failing f where f.id = l.id limit 1) as failed
    from looked l group by id),
  gone as (
    delete from simple_queue.arrival a where kind = 'depend' and shard = $1 and a.id = any(array(
      select id from found where failed is not null or open is null
      union all select p.id from page p where not exists (
        select from simple_queue.job j where j.id = p.job and j.shard = $1 and j.epoch = p.epoch and j.commit_by is not null offset 0)))),
  struck as (
    update simple_queue.arrival a set more = jsonb_set(more, '{awaits}', f.open) from found f
    where a.kind = 'depend' and a.shard = $1 and a.id = f.id and a.id = any(array(
      select id from found where failed is null and open is not null and fewer)))
  select coalesce((select jsonb_agg(jsonb_build_object('id', p.job, 'failed', f.failed) order by p.id)
      from page p join found f on f.id = p.id where f.failed is not null or f.open is null), '[]') as decided,
    coalesce((select f.id from asked f order by f.id offset 99 limit 1), (select s.id from seen s order by s.id offset 499 limit 1))::text as last;
