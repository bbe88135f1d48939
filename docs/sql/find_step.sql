-- $1 smallint, $2 uuid
prepare find_step as
select t.workflow, s.name as step, t.state, s.begun, t.stage < 0 as compensates, w.attempt, w.state as flow, array(
    select u.name from simple_queue.edge e join simple_queue.stage u on u.workflow = t.workflow and u.shard = $1 and u.n = e.upstream
    where e.workflow = t.workflow and e.shard = $1 and e.downstream = t.stage and (u.open > 0 or not (u.begun or u.skipped)) order by u.n) as "waitsFor"
  from simple_queue.step t join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = t.stage
  join simple_queue.workflow w on w.id = t.workflow and w.shard = $1
  where t.id = $2::uuid and t.shard = $1;
