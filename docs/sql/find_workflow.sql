-- $1 smallint, $2 uuid
prepare find_workflow as
select w.id, w.name, w.state, w.attempt, w.stop, w.unique_key as "uniqueKey", w.created_at as "createdAt", w.deadline_at as "deadlineAt",
    w.ended_at as "endedAt", w.jobs, (
    select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'many', s.many, 'jobs', s.jobs, 'open', s.open, 'begun', s.begun, 'skipped', s.skipped,
      'failed', s.failed, 'cancelled', (select count(*) from simple_queue.step t
        where s.failed > 0 and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state = 'cancelled'),
      'error', (select t.error from simple_queue.step t
        where s.failed > 0 and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.error is not null order by t.item limit 1),
      'ids', array(select coalesce(t.awaits, t.id) from simple_queue.step t where t.workflow = s.workflow and t.shard = $1 and t.stage = s.n order by t.item limit 100),
      'after', (select coalesce(jsonb_agg(jsonb_build_object('name', u.name, 'when', e.condition, 'open', u.open > 0 or not (u.begun or u.skipped)) order by u.n), '[]')
        from simple_queue.edge e join simple_queue.stage u on u.workflow = e.workflow and u.shard = $1 and u.n = e.upstream
        where e.workflow = s.workflow and e.shard = $1 and e.downstream = s.n),
      'undo', (
        select jsonb_build_object('jobs', c.jobs, 'open', c.open, 'failed', c.failed, 'due', coalesce(d.due, 0), 'begun', coalesce(d.begun, false),
          'ids', array(select t.id from simple_queue.step t where t.workflow = c.workflow and t.shard = $1 and t.stage = c.n order by t.item limit 100),
          'error', (select t.error from simple_queue.step t
            where c.failed > 0 and t.workflow = c.workflow and t.shard = $1 and t.stage = c.n and t.error is not null order by t.item limit 1))
        from simple_queue.stage c where w.saga and c.workflow = s.workflow and c.shard = $1 and c.n = -1 - s.n)) order by s.n), '[]')
    from simple_queue.stage s left join (
      select u.stage, count(*)::int as due, bool_or(u.begun and t.state is null) as begun from simple_queue.undo u
      join simple_queue.step t on t.workflow = u.workflow and t.shard = $1 and t.stage = u.stage and t.item = u.item
      where u.workflow = $2::uuid and u.shard = $1 and (not u.begun or t.state is distinct from 'succeeded') group by u.stage) d on d.stage = -1 - s.n
    where s.workflow = w.id and s.shard = $1 and s.n >= 0) as stages
  from simple_queue.workflow w where w.id = $2::uuid and w.shard = $1;
