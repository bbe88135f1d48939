-- $1 smallint, $2 uuid
prepare end_vanished as
with over as (
    insert into simple_queue.arrival (shard, kind, workflow)
    select $1, 'stop', id from simple_queue.workflow where id = $2::uuid and shard = $1 and state = 'running' and open = 0)
  insert into simple_queue.arrival (shard, kind, job, state, output, error)
  select $1, 'end', v.job, coalesce(e.state, 'cancelled'), e.output, case when e.state is null then '{"name":"QueueError","code":"JOB_UNKNOWN","message":"The job of this step is gone: somebody has deleted its row."}'::jsonb else e.error end
  from (with gone as materialized (
    select o.id, o.job from (
      select w.id, t.id as job from (select $2::uuid as id) w
      join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and not s.skipped and s.open > 0
      cross join lateral (
        select id from simple_queue.step where workflow = s.workflow and shard = $1 and stage = s.n and state is null offset 0) t
      where (w.id, s.n) not in (select workflow, stage from simple_queue.arrival where kind = 'begin' and shard = $1)
      union all select w.id, t.id as job from (select $2::uuid as id) w
    cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
    where u.begun) o
    where not exists (select from simple_queue.job j where j.id = o.job and j.shard = $1 offset 0))
    select (array_agg(id))[1] as id, job from (
      select id, job from gone union all
      select null, job from simple_queue.arrival where kind in ('end', 'add', 'wait') and shard = $1 and job is not null and exists (select from gone)) u
    group by job having count(*) = count(id)) v
  left join lateral (
    select state, output, null::jsonb as error from simple_queue.archive where id = v.job and shard = $1
    union all select 'failed', null, last_error from simple_queue.dead_letter where id = v.job and shard = $1 limit 1) e on true
  returning job;
