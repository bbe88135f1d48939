-- $1 smallint, $2 bigint
prepare take_dependents as
with recursive seen as materialized (
    select a.*, j.id is not null as waits, j.group_name, j.queue, j.seq from (
      select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
      where kind = 'depend' and shard = $1 and id > $2::bigint order by id limit 500) a
    left join lateral (
      select id, group_name, queue, seq from simple_queue.job
      where id = a.job and shard = $1 and epoch = a.epoch and commit_by is not null offset 0) j on true),
  pairs as materialized (
    select s.id, s.job, s.group_name, s.queue, s.seq, t.id::uuid as awaits from seen s
    cross join lateral jsonb_array_elements_text(s.awaits) t(id)),
  over as materialized (
    select u.id, e.state is distinct from 'succeeded' as fails from (select distinct awaits as id from pairs) u
    cross join lateral (select exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id and o.shard = $1 and o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null)) offset 0) as live offset 0) l
    left join lateral (
      select s.* from (
        select case when state is null then 3 else 1 end as way, now() as at, coalesce(state, 'a compensation that was not needed') as state, output, error
          from simple_queue.step o where o.id = u.id and o.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.archive a where a.id = u.id and a.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.dead_letter d where d.id = u.id and d.shard = $1) s
      where not l.live order by way, at desc limit 1) e on true
    where not l.live),
  touched as (
    select p.id, p.job, o.fails from pairs p join over o on o.id = p.awaits
    union select id, job, false from seen where not waits
    union select p.id, p.job, true from pairs p where p.seq is not null and exists (
      select from simple_queue.job f
      where f.id = p.awaits and f.shard = $1 and f.group_name = p.group_name and f.queue = p.queue and f.seq > p.seq offset 0)
    union select p.id, p.job, true from touched t join pairs p on p.awaits = t.job where t.fails),
  page as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id = any(array(select distinct t.id from touched t)) order by id for update skip locked),
  staged as materialized (
    select id, epoch, group_name, queue, seq from simple_queue.job where shard = $1 and id = any(array(select job from page))
      and commit_by > statement_timestamp() for update skip locked),
  looked as materialized (
    select p.id, u.id as awaits, l.live, b.behind or not l.live and e.state is distinct from 'succeeded' as fails,
      case when b.behind then 'behind this one in its ordered group' else e.state end as state
    from page p join staged s on s.id = p.job and s.epoch = p.epoch
    cross join lateral jsonb_array_elements_text(p.awaits) t(id)
    cross join lateral (select t.id::uuid as id offset 0) u
    cross join lateral (select exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id and o.shard = $1 and o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null)) offset 0) as live offset 0) l
    cross join lateral (select s.seq is not null and exists (
      select from simple_queue.job f
      where f.id = u.id and f.shard = $1 and f.group_name = s.group_name and f.queue = s.queue and f.seq > s.seq offset 0) as behind offset 0) b
    left join lateral (
      select s.* from (
        select case when state is null then 3 else 1 end as way, now() as at, coalesce(state, 'a compensation that was not needed') as state, output, error
          from simple_queue.step o where o.id = u.id and o.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.archive a where a.id = u.id and a.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.dead_letter d where d.id = u.id and d.shard = $1) s
      where not l.live order by way, at desc limit 1) e on true),
  failing as (
    select id, awaits, state from looked where fails
    union select l.id, l.awaits, 'expired' from failing f join page p on p.id = f.id join looked l on l.awaits = p.job and l.live),
  first as materialized (
    select distinct on (id) id, jsonb_build_object('id', awaits, 'state', state) as failed from failing order by id),
  found as materialized (
    select l.id, jsonb_agg(l.awaits) filter (where l.live) as open, bool_or(not l.live) as fewer, f.failed
    from looked l left join first f on f.id = l.id group by l.id, f.failed),
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
    (select s.id from seen s order by s.id offset 499 limit 1)::text as last;
