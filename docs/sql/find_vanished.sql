-- $1 smallint, $2 uuid
prepare find_vanished as
with page as materialized (
    select id, jobs, created_at, state = 'running' and open = 0 as over from simple_queue.workflow where shard = $1 and ended_at is null and id > $2::uuid order by id limit 1000),
  looked as materialized (
    select id, created_at, over from (select *, sum(jobs) over (order by id) - jobs as before from page) p where before < 10000)
  select array(select v.id::text from (select o.id, o.job from (
    select w.id, t.id as job from looked w
    join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and not s.skipped and s.open > 0
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = s.n and t.state is null
    where not exists (select from simple_queue.arrival a where a.kind = 'begin' and a.shard = $1 and a.workflow = w.id and a.stage = s.n)
    union all select w.id, t.id as job from looked w
    cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
    where u.begun) o
    where not exists (select from simple_queue.job j where j.id = o.job and j.shard = $1 offset 0)
      and not exists (select from simple_queue.arrival a where a.kind in ('end', 'add', 'wait') and a.shard = $1 and a.job = o.job)) v union select id::text from looked where over) as found,
    (select id::text from looked where (select count(*) from page) > least((select count(*) from looked), 999)
      order by looked.id desc limit 1) as last;
