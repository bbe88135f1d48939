-- $1 smallint, $2 uuid, $3 integer[]
prepare wait_again as
with stages as (
    update simple_queue.stage set skipped = true where workflow = $2 and shard = $1 and (again or n = any($3::int[])) returning n, again),
  past as (
    delete from simple_queue.draft d where workflow = $2 and shard = $1 and stage = any($3)
      and (select state from simple_queue.step t where t.id = d.id and t.shard = $1) = 'succeeded')
  update simple_queue.step t set state = 'skipped' from stages s
  where t.workflow = $2 and t.shard = $1 and t.stage = s.n and (s.again or t.state <> 'succeeded');
