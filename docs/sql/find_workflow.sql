-- $1 smallint, $2 uuid
prepare find_workflow as
with due as materialized (
    select jsonb_object_agg(stage, jsonb_build_object('due', due, 'begun', begun)) as by_stage from (
      select u.stage, count(*)::int as due, bool_or(u.begun and t.state is null) as begun from simple_queue.undo u
      cross join lateral (
        select state from simple_queue.step where workflow = u.workflow and shard = $1 and stage = u.stage and item = u.item offset 0) t
      where u.workflow = $2::uuid and u.shard = $1 and (not u.begun or t.state is distinct from 'succeeded') group by u.stage) d),
  edges as materialized (
    select jsonb_object_agg(downstream, before) as by_stage from (
      select e.downstream, jsonb_agg(jsonb_build_object('name', u.name, 'when', e.condition, 'open', u.open > 0 or not (u.begun or u.skipped)) order by u.n) as before
      from simple_queue.edge e cross join lateral (
        select * from simple_queue.stage where workflow = e.workflow and shard = $1 and n = e.upstream offset 0) u
      where e.workflow = $2::uuid and e.shard = $1 group by e.downstream) d)
  select w.id, w.name, w.state, w.attempt, w.stop, w.unique_key as "uniqueKey", w.created_at as "createdAt", w.deadline_at as "deadlineAt",
    w.ended_at as "endedAt", w.jobs, (
    select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'many', s.many, 'jobs', s.jobs, 'open', s.open, 'begun', s.begun, 'skipped', s.skipped,
      'failed', s.failed, 'cancelled', (select count(*) from simple_queue.step t
        where s.failed > 0 and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state = 'cancelled'),
      'error', (select t.error from simple_queue.step t
        where s.failed > 0 and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.error is not null order by t.item limit 1),
      'ids', array(select coalesce(t.awaits, t.id) from simple_queue.step t where t.workflow = s.workflow and t.shard = $1 and t.stage = s.n order by t.item limit 100),
      'after', coalesce((select by_stage from edges) -> s.n::text, '[]'),
      'undo', (
        select jsonb_build_object('jobs', c.jobs, 'open', c.open, 'failed', c.failed,
          'due', coalesce((select by_stage from due) -> c.n::text -> 'due'::text, '0'),
          'begun', coalesce((select by_stage from due) -> c.n::text -> 'begun'::text, 'false'),
          'ids', array(select t.id from simple_queue.step t where t.workflow = c.workflow and t.shard = $1 and t.stage = c.n order by t.item limit 100),
          'error', (select t.error from simple_queue.step t
            where c.failed > 0 and t.workflow = c.workflow and t.shard = $1 and t.stage = c.n and t.error is not null order by t.item limit 1))
        from simple_queue.stage c where w.saga and c.workflow = s.workflow and c.shard = $1 and c.n = -1 - s.n)) order by s.n), '[]')
    from simple_queue.stage s
    where s.workflow = w.id and s.shard = $1 and s.n >= 0) as stages
  from simple_queue.workflow w where w.id = $2::uuid and w.shard = $1;
