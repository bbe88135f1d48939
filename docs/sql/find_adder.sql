-- $1 smallint, $2 uuid
prepare find_adder as
select t.workflow, s.name as step from simple_queue.step t
  join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = t.stage
  where t.id = $2::uuid and t.shard = $1 and t.state is null;
