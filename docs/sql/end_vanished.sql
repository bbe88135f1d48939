-- $1 smallint, $2 uuid
prepare end_vanished as
with over as (
    insert into simple_queue.arrival (shard, kind, workflow)
    select $1, 'stop', id from simple_queue.workflow where id = $2::uuid and shard = $1 and state = 'running' and open = 0)
  insert into simple_queue.arrival (shard, kind, job, state, output, error)
  select $1, 'end', v.job, coalesce(e.state, 'cancelled'), e.output, case when e.state is null then '{"name":"QueueError","code":"JOB_UNKNOWN","message":"The job of this step is gone: somebody has deleted its row."}'::jsonb else e.error end
  from (select o.id, o.job from (
    select w.id, t.id as job from (select $2::uuid as id) w
    join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and not s.skipped and s.open > 0
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = s.n and t.state is null
    where not exists (select from simple_queue.arrival a where a.kind = 'begin' and a.shard = $1 and a.workflow = w.id and a.stage = s.n)
    union all select w.id, t.id as job from (select $2::uuid as id) w
    cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
    where u.begun) o
    where not exists (select from simple_queue.job j where j.id = o.job and j.shard = $1 offset 0)
      and not exists (select from simple_queue.arrival a where a.kind in ('end', 'add', 'wait') and a.shard = $1 and a.job = o.job)) v
  left join lateral (
    select state, output, null::jsonb as error from simple_queue.archive where id = v.job and shard = $1
    union all select 'failed', null, last_error from simple_queue.dead_letter where id = v.job and shard = $1 limit 1) e on true
  returning job;
