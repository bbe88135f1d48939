-- $1 smallint, $2 uuid
prepare find_callbacks as
select t.id from simple_queue.stage s
  join simple_queue.step t on t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state is distinct from 'skipped'::text
  where s.workflow = $2::uuid and s.shard = $1 and s.again and not s.skipped;
