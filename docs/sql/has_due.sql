-- $1 smallint, $2 integer[]
prepare has_due as
select exists (select from unnest($2::int[]) q(lane) cross join lateral (
      (select 1 from simple_queue.ready where lane = q.lane and shard = $1 limit 1) union all
      (select 1 from simple_queue.fair_ready where lane = q.lane and shard = $1 limit 1) union all
      (select 1 from simple_queue.suspect where lane = q.lane and shard = $1 limit 1)) s)
    or exists (select from simple_queue.scheduled where shard = $1 and run_at <= statement_timestamp() and lane = any($2::int[]))
    or exists (select from (
        select distinct queue from simple_queue.lane where id = any($2::int[])) q
      cross join lateral (select exists (select from simple_queue.head x where x.queue = q.queue and x.shard = $1 and x.halts offset 0) as halted offset 0) h
      cross join lateral (
        select group_name from simple_queue.vacant where queue = q.queue and shard = $1 and not h.halted offset 0) v
      cross join lateral (
        select lane from simple_queue.blocked where group_name = v.group_name and shard = $1 and queue = q.queue limit 1) b
      where b.lane = any($2::int[]))
    or exists (select from simple_queue.key_change k cross join lateral (
        select lane from simple_queue.keyed where limit_key = k.limit_key and shard = $1 and queue = k.queue limit 1) w
      where k.shard = $1 and k.due_at <= statement_timestamp() and w.lane = any($2::int[]))
    or exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      cross join lateral (select lane from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
      where c.shard = $1 and j.lane = any($2::int[]))
    or exists (select from simple_queue.arrival a left join simple_queue.step t on t.id = a.job and t.shard = $1
      where a.shard = $1 and not (a.kind = 'wait' and (exists (select from simple_queue.job j where j.id = t.awaits and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = t.awaits and o.shard = $1 and o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null)) offset 0))) and not (a.kind = 'depend' and not exists (
        select from jsonb_array_elements_text(a.more -> 'awaits') u(id) where not (exists (select from simple_queue.job j where j.id = u.id::uuid and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id::uuid and o.shard = $1 and o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null)) offset 0))))) as due;
