-- $1 smallint, $2 uuid
prepare find_vanished as
with page as materialized (
    select id, jobs, created_at, state = 'running' and open = 0 as over from simple_queue.workflow where shard = $1 and ended_at is null and id > $2::uuid order by id limit 1000),
  looked as materialized (
    select id, created_at, over from (select *, sum(jobs) over (order by id) - jobs as before from page) p where before < 10000)
  select array(select v.id::text from (with gone as materialized (
    select o.id, o.job from (
      select w.id, t.id as job from looked w
      join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and not s.skipped and s.open > 0
      cross join lateral (
        select id from simple_queue.step where workflow = s.workflow and shard = $1 and stage = s.n and state is null offset 0) t
      where (w.id, s.n) not in (select workflow, stage from simple_queue.arrival where kind = 'begin' and shard = $1)
      union all select w.id, t.id as job from looked w
    cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
    where u.begun) o
    where not exists (select from simple_queue.job j where j.id = o.job and j.shard = $1 offset 0))
    select (array_agg(id))[1] as id, job from (
      select id, job from gone union all
      select null, job from simple_queue.arrival where kind in ('end', 'add', 'wait') and shard = $1 and job is not null and exists (select from gone)) u
    group by job having count(*) = count(id)) v union select id::text from looked where over) as found,
    (select id::text from looked where (select count(*) from page) > least((select count(*) from looked), 999)
      order by looked.id desc limit 1) as last;
