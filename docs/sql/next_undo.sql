-- $1 smallint, $2 uuid
prepare next_undo as
select w.state as flow, w.stop, u.seq::text, u.begun, u.step, u.id, u.state, u.error
  from simple_queue.workflow w left join lateral (
    select u.seq, u.begun, s.name as step, t.id, t.state, t.error from (
      select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 2) u
    join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.n = u.stage
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item
    where not u.begun or t.state is distinct from 'succeeded' order by u.seq desc limit 1) u on true
  where w.id = $2::uuid and w.shard = $1;
