-- $1 smallint, $2 uuid
prepare upstream as
select o.name, s.many or o.added or jsonb_array_length(o.outputs) > 1 as many, o.outputs
  from simple_queue.step t
  join simple_queue.edge e on e.workflow = t.workflow and e.shard = $1 and e.downstream = t.stage
  join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = e.upstream
  cross join lateral (
    select s.name, false as added, coalesce(jsonb_agg(u.output order by u.item), '[]') as outputs from simple_queue.step u
    where u.workflow = t.workflow and u.shard = $1 and u.stage = e.upstream and u.added is null
    union all
    select u.added, true, jsonb_agg(u.output order by u.item) from simple_queue.step u
    where u.workflow = t.workflow and u.shard = $1 and u.stage = e.upstream and u.added is not null group by u.added) o
  where t.id = $2::uuid and t.shard = $1
  union all select s.name, s.many, jsonb_build_array(u.output) from simple_queue.step t
  join simple_queue.step u on u.workflow = t.workflow and u.shard = $1 and u.stage = -1 - t.stage and u.item = t.item
  join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = u.stage
  where t.id = $2::uuid and t.shard = $1 and t.stage < 0;
