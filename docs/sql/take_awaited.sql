-- $1 smallint, $2 bigint
prepare take_awaited as
with page as materialized (
    select id, job from simple_queue.arrival where kind = 'wait' and shard = $1 and id > $2::bigint order by id limit 500 for update skip locked),
  over as materialized (
    select p.id, p.job, e.state, e.output, e.error from page p
    join simple_queue.step t on t.id = p.job and t.shard = $1
    left join lateral (
      select s.* from (
        select case when state is null then 3 else 1 end as way, now() as at, coalesce(state, 'a compensation that was not needed') as state, output, error
          from simple_queue.step o where o.id = t.awaits and o.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.archive a where a.id = t.awaits and a.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.dead_letter d where d.id = t.awaits and d.shard = $1) s
      where true order by way, at desc limit 1) e on true
    where not (exists (select from simple_queue.job j where j.id = t.awaits and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = t.awaits and o.shard = $1 and o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null)) offset 0))),
  gone as (delete from simple_queue.arrival where kind = 'wait' and shard = $1 and id = any(array(select id from over))),
  told as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', job, case when state in ('succeeded', 'cancelled') then state when state in ('skipped', 'a compensation that was not needed') then 'cancelled' else 'failed' end,
      output, case when state is null then '{"name":"QueueError","code":"JOB_UNKNOWN","message":"The job that is awaited is unknown: it was purged, its end is not kept any more, or it was never enqueued."}'::jsonb else error end from over returning 1)
  select (select count(*) from told)::int as ended, (select id::text from page order by page.id offset 499 limit 1) as last;
