-- $1 smallint, $2 integer
prepare find_stuck_workflows as
select w.id, w.name, s.name as step, t.id as job from (
    select * from simple_queue.workflow where shard = $1 and state = 'running' and created_at < statement_timestamp() - interval '1 hour'
    order by id limit 1000) w
  join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and s.open > 0
  join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = s.n and t.state is null
  where not exists (select from simple_queue.job j where j.id = t.id and j.shard = $1)
    and not exists (select from simple_queue.arrival a where a.shard = $1 and (a.job = t.id or a.workflow = w.id))
  union all select w.id, w.name, s.name, t.id from (
    select * from simple_queue.workflow where shard = $1 and state = 'compensating' and created_at < statement_timestamp() - interval '1 hour'
    order by id limit 1000) w
  cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
  join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.n = u.stage
  join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
  where u.begun and not exists (select from simple_queue.job j where j.id = t.id and j.shard = $1)
    and not exists (select from simple_queue.arrival a where a.shard = $1 and (a.job = t.id or a.workflow = w.id))
  limit $2::int;
