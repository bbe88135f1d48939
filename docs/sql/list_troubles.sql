-- $1 smallint, $2 integer
prepare list_troubles as
with live as materialized (
    select id, lanes, worker, about from simple_queue.lease where shard = $1 and expires_at > statement_timestamp()),
  served as materialized (select distinct unnest(lanes) as lane from live),
  still as materialized (
    select q.name as queue, q.paused_at, l.id as lane, l.queue as lane_queue, l.name, l.labels, r.n, r.since,
      exists (select from served s where s.lane = l.id) or coalesce(l.pulled_at > statement_timestamp() - interval '5 minutes', false) as served
    from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
    cross join lateral (
      select count(*)::int as n, min(w.run_at) as since from (
        (select run_at from simple_queue.ready where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select run_at from simple_queue.fair_ready where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select run_at from simple_queue.suspect where lane = l.id and shard = $1 limit $2::int + 1) union all
        (select s.run_at from (select run_at from simple_queue.scheduled where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1) s where s.run_at <= statement_timestamp()) union all
        (select null from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1) union all
        (select run_at from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1 limit $2::int + 1)) w) r
    where r.n > 0 and (q.paused_at is not null or not (exists (select from served s where s.lane = l.id) or coalesce(l.pulled_at > statement_timestamp() - interval '5 minutes', false)))
    limit 10000),
  full_slots as materialized (
    select w.worker, x.waits, f.* from live w cross join lateral jsonb_to_recordset(coalesce(w.about -> 'full', '[]')) f
      (lanes int[], slots int, "oldestMs" float8, "youngestMs" float8, over boolean, timed boolean, held int[], ids text[])
    cross join lateral (select coalesce(f.lanes, w.lanes) as waits) x where f."youngestMs" > case when f.over then 60000 else 600000 end
    order by f."oldestMs" desc limit 100),
  keepers as materialized (
    select w.worker, j.id, j.lane, c.created_at, b.n from (
      select * from simple_queue.claim where shard = $1 and created_at < statement_timestamp() - 600000 * interval '1 millisecond'
      order by created_at limit $2::int) c
    join live w on w.id = c.lease cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select id, lane, queue, case when seq is not null then group_name end as turn, limit_key from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
    cross join lateral (select count(*)::int as n from (
      (select from simple_queue.blocked where group_name = j.turn and shard = $1 and queue = j.queue limit $2::int + 1) union all
      (select from (select run_at from simple_queue.keyed where limit_key = j.limit_key and shard = $1 and queue = j.queue limit $2::int + 1) k
        where k.run_at < statement_timestamp() - 600000 * interval '1 millisecond')) b) b
    where b.n > 0 order by c.created_at limit 100),
  usual as materialized (
    select f.held, (select min(2.0 ^ (n - 1))::float8 from (
      select b.n, sum(sum(b.jobs)) over (order by b.n) as below, sum(sum(b.jobs)) over () as jobs
      from simple_queue.tally t cross join lateral unnest(t.run) with ordinality b (jobs, n)
      where t.lane = any(f.held) and t.shard = $1 and t.minute > statement_timestamp() - interval '7 days' and b.jobs > 0 group by b.n) b
      where below >= 0.99 * jobs) as ms from (select held from full_slots union select array[lane] from keepers) f),
  hung as (
    select f.*, u.ms as usual from full_slots f join usual u on u.held is not distinct from f.held
    where f.over or f."youngestMs" > coalesce(u.ms, 0)),
  keeping as (
    select k.*, u.ms as usual from keepers k join usual u on u.held = array[k.lane]
    where k.created_at < statement_timestamp() - coalesce(u.ms, 0) * interval '1 millisecond'),
  silent as materialized (
    select coalesce(w.worker, '') as worker, min(w.expires_at) as since, count(j.id)::int as n,
      (select min(k.pid) from pg_catalog.pg_locks k where k.locktype = 'transactionid' and k.granted and k.transactionid = any(array_agg(j.xmax))) as keeper
    from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select id, xmax from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
    left join simple_queue.lease w on w.id = c.lease and w.shard = c.shard
    where c.shard = $1 and (w.id is null or w.expires_at <= statement_timestamp()) group by 1),
  dead as materialized (
    select l.queue, d.id, d.state, d.finished_at, case when d.options ? 'step' then (select t.workflow from simple_queue.step t where t.id = d.id and t.shard = $1) end as flow, coalesce(d.last_error ->> 'code' = 'DEPENDENCY_FAILED', false) as dependent,
      coalesce(d.last_error ->> 'code' = 'COMMIT_EXPIRED', false) as uncommitted from (
      select id, lane, state, finished_at, last_error, options from simple_queue.dead_letter
      where state <> 'poisoned' and shard = $1 and finished_at > statement_timestamp() - interval '1 day' order by finished_at desc limit 5 * $2::int) d
    join simple_queue.lane l on l.id = d.lane),
  poisoned as materialized (
    select l.queue, d.id, d.finished_at, case when d.options ? 'step' then (select t.workflow from simple_queue.step t where t.id = d.id and t.shard = $1) end as flow, d.last_error ->> 'code' = 'DATABASE_ERROR' as unreadable
    from (select id, lane, finished_at, last_error, options from simple_queue.dead_letter
      where state = 'poisoned' and shard = $1 and finished_at > statement_timestamp() - interval '1 day' order by finished_at desc limit $2::int + 1) d
    join simple_queue.lane l on l.id = d.lane),
  overdue as materialized (
    select queue, id, commit_by from simple_queue.job
    where commit_by < statement_timestamp() - interval '1 minute' and shard = $1 order by commit_by limit $2::int + 1),
  uncommitted as materialized (
    select j.queue, j.id, j.created_at from (select id from simple_queue.staged where shard = $1 order by id limit $2::int + 1) s
    cross join lateral (select * from simple_queue.job where id = s.id and shard = $1 offset 0) j
    where j.created_at < statement_timestamp() - interval '1 hour' and j.commit_by > statement_timestamp() - interval '1 minute'
      and not exists (select from simple_queue.arrival a where a.kind = 'depend' and a.shard = $1 and a.job = j.id)),
  oldest as materialized (select * from simple_queue.job where shard = $1 order by id limit $2::int),
  lost as materialized (
    select j.queue, j.id, j.created_at from oldest j where not exists (select from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = j.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and j.id = any(c.jobs) and u.id = j.id and u.epoch = j.epoch)),
  page as materialized (
    select id, jobs, created_at, state = 'running' and open = 0 as over from simple_queue.workflow where shard = $1 and ended_at is null  order by id limit 1000),
  looked as materialized (
    select id, created_at, over from (select *, sum(jobs) over (order by id) - jobs as before from page) p where before < 1000)
  (select 'NO_WORKER' as code, null::text as queue, null::text as name, null::text[] as labels, (sum(n))::int as count,
    (extract(epoch from statement_timestamp() - min(since)) * 1000)::float8 as "sinceMs", (null)::text as subject, (0)::int as extra
    from (select n, since from still where paused_at is null union all select n, since from silent) w
    where not exists (select from live) having sum(n) > 0)
  union all
  (select 'NO_HANDLER' as code, queue::text as queue, name::text as name, labels::text[] as labels, (n)::int as count,
    (extract(epoch from statement_timestamp() - since) * 1000)::float8 as "sinceMs", ((select 'alone' where not exists (select from simple_queue.lane o
      where o.queue = lane_queue and o.name = still.name and o.labels @> still.labels[1:1] and o.id <> still.lane)))::text as subject, ((select count(*) from live where cardinality(lanes) >= 10000))::int as extra
    from still where not served and exists (select from live) order by since limit 100)
  union all
  (select 'HUNG_RUNS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (max(h.n))::int as count,
    (extract(epoch from statement_timestamp() - (statement_timestamp() - max(h."oldestMs") * interval '1 millisecond')) * 1000)::float8 as "sinceMs", ((array_agg(jsonb_build_object('worker', h.worker, 'slots', h.slots, 'over', h.over, 'timed', h.timed, 'usual', h.usual, 'ids', h.ids, 'queue', o.name)
      order by h."oldestMs" desc))[1] || jsonb_build_object('first', array_agg(distinct h.ids[1]) filter (where h.ids[1] is not null)))::text as subject, (count(distinct h.worker))::int as extra
    from (select h.worker, h.slots, h."oldestMs", h.over, h.timed, h.usual, h.ids, h.held, l.queue, sum(r.n)::int as n
      from hung h join simple_queue.lane l on l.id = any(h.waits)
      cross join lateral (select count(*)::int as n, min(w.run_at) as since from ((select run_at from simple_queue.ready where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select run_at from simple_queue.fair_ready where lane = l.id and shard = $1 limit $2::int + 1) union all
      (select run_at from simple_queue.suspect where lane = l.id and shard = $1 limit $2::int + 1)) w) r
      where r.since < statement_timestamp() - interval '1 minute' group by 1, 2, 3, 4, 5, 6, 7, 8, 9) h
    join simple_queue.queue q on q.id = h.queue and q.paused_at is null
    left join simple_queue.lane ol on ol.id = h.held[1] left join simple_queue.queue o on o.id = ol.queue
    group by q.name order by max(h."oldestMs") desc limit 100)
  union all
  (select 'HUNG_RUNS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (sum(k.n))::int as count,
    (extract(epoch from statement_timestamp() - min(k.created_at)) * 1000)::float8 as "sinceMs", ((array_agg(jsonb_build_object('worker', k.worker, 'turn', true, 'usual', k.usual) order by k.created_at))[1] ||
      jsonb_build_object('ids', (array_agg(k.id order by k.created_at))[1:100]))::text as subject, (count(*))::int as extra
    from keeping k join simple_queue.lane l on l.id = k.lane join simple_queue.queue q on q.id = l.queue and q.paused_at is null
    group by q.name order by min(k.created_at) limit 100)
  union all
  (select 'WORKER_FAILING' as code, null::text as queue, null::text as name, null::text[] as labels, (count(distinct w.id))::int as count,
    (extract(epoch from statement_timestamp() - (statement_timestamp() - max(f."silentMs") * interval '1 millisecond')) * 1000)::float8 as "sinceMs", (jsonb_build_object('loop', f.loop, 'error', f.error, 'worker', min(w.worker)))::text as subject, (0)::int as extra
    from live w cross join lateral jsonb_to_recordset(coalesce(w.about -> 'failing', '[]')) f (loop text, "silentMs" float8, error text)
    where f."silentMs" > 120000 group by f.loop, f.error order by max(f."silentMs") desc limit 100)
  union all
  (select 'WORKER_SILENT' as code, null::text as queue, null::text as name, null::text[] as labels, (n)::int as count,
    (extract(epoch from statement_timestamp() - since) * 1000)::float8 as "sinceMs", (worker)::text as subject, (case when keeper is not null then keeper when exists (select from live) then 0 else -1 end)::int as extra from silent order by since limit 100)
  union all
  (select 'PAUSED_QUEUES' as code, queue::text as queue, null::text as name, null::text[] as labels, (sum(n))::int as count,
    (extract(epoch from statement_timestamp() - min(paused_at)) * 1000)::float8 as "sinceMs", (null)::text as subject, (0)::int as extra
    from still where paused_at is not null group by queue order by min(paused_at) limit 100)
  union all
  (select 'BLOCKED_GROUPS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(h.dead_at)) * 1000)::float8 as "sinceMs", ((array_agg(h.dead::text order by h.dead_at))[1])::text as subject, (bool_or(h.halts)::int)::int as extra
    from (select queue, dead, dead_at, halts from simple_queue.head where dead is not null and shard = $1 order by dead_at limit $2::int + 1) h
    join simple_queue.queue q on q.id = h.queue group by q.name order by min(h.dead_at) limit 100)
  union all
  (select 'STUCK_WORKFLOWS' as code, null::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    null::float8 as "sinceMs", (array_to_string((array_agg(w.id::text order by w.id))[1:5], ' '))::text as subject, (0)::int as extra
    from (select id from simple_queue.workflow where state = 'stuck' and shard = $1 order by id limit $2::int + 1) w having count(*) > 0)
  union all
  (select 'SUSPECTS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(s.run_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(s.id::text order by s.id))[1:5], ' '))::text as subject, (0)::int as extra
    from (select id, run_at from simple_queue.suspect where shard = $1 limit $2::int + 1) s
    cross join lateral (select queue from simple_queue.job where id = s.id and shard = $1 offset 0) j join simple_queue.queue q on q.id = j.queue group by q.name order by q.name limit 100)
  union all
  (select 'WORKFLOWS' as code, null::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(w.created_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(w.id::text order by w.id))[1:5], ' '))::text as subject, (0)::int as extra
    from looked w where w.id in (select v.id from (with gone as materialized (
    select o.id, o.job from (
      select w.id, t.id as job from looked w
      join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and not s.skipped and s.open > 0
      cross join lateral (
        select id from simple_queue.step where workflow = s.workflow and shard = $1 and stage = s.n and state is null offset 0) t
      where (w.id, s.n) not in (select workflow, stage from simple_queue.arrival where kind = 'begin' and shard = $1)
      union all select w.id, t.id as job from looked w
    cross join lateral (select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 1) u
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item and t.state is null
    where u.begun) o
    where not exists (select from simple_queue.job j where j.id = o.job and j.shard = $1 offset 0))
    select (array_agg(id))[1] as id, job from (
      select id, job from gone union all
      select null, job from simple_queue.arrival where kind in ('end', 'add', 'wait') and shard = $1 and job is not null and exists (select from gone)) u
    group by job having count(*) = count(id)) v) having count(*) > 0)
  union all
  (select 'FAILED_WORKFLOWS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(distinct w.id))::int as count,
    (extract(epoch from statement_timestamp() - min(x.finished_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(distinct w.id::text))[1:5], ' '))::text as subject, (0)::int as extra
    from (select queue, flow, finished_at from dead union all select queue, flow, finished_at from poisoned) x
    join simple_queue.queue q on q.id = x.queue
    join simple_queue.workflow w on w.id = x.flow and w.shard = $1 and w.state = 'failed' group by q.name order by count(*) desc limit 100)
  union all
  (select 'SCHEDULES' as code, null::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(next_at)) * 1000)::float8 as "sinceMs", (to_json((array_agg(name order by next_at))[1:5]))::text as subject, (0)::int as extra
    from (select name, next_at from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at < statement_timestamp() - interval '5 minutes' order by next_at limit $2::int + 1) s
    having count(*) > 0)
  union all
  (select 'LIMITS' as code, case when of_queue then name end::text as queue, null::text as name, null::text[] as labels, (1)::int as count,
    null::float8 as "sinceMs", (name)::text as subject, (least(greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8, 1e12) / 1000)::int as extra
    from simple_queue.fleet_limit where shard = $1 and greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8 > 60000 order by name limit 100)
  union all
  (select 'LOST_JOBS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(x.created_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(x.id::text order by x.id))[1:5], ' '))::text as subject, (0)::int as extra
    from lost x join simple_queue.queue q on q.id = x.queue where true group by q.name, x.queue order by count(*) desc limit 100)
  union all
  (select 'UNREADABLE_JOBS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(x.finished_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(x.id::text order by x.id))[1:5], ' '))::text as subject, ((select count(*) from poisoned o where o.queue = x.queue) - count(*))::int as extra
    from poisoned x join simple_queue.queue q on q.id = x.queue where unreadable and flow is null group by q.name, x.queue order by count(*) desc limit 100)
  union all
  (select 'POISONED_JOBS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(x.finished_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(x.id::text order by x.id))[1:5], ' '))::text as subject, ((select count(*) from poisoned o where o.queue = x.queue) - count(*))::int as extra
    from poisoned x join simple_queue.queue q on q.id = x.queue where not coalesce(unreadable, false) and flow is null group by q.name, x.queue order by count(*) desc limit 100)
  union all
  (select 'DEAD_LETTERS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(x.finished_at)) * 1000)::float8 as "sinceMs", (concat_ws(' ', count(*) filter (where state <> 'expired'), count(*) filter (where uncommitted)))::text as subject, (count(*) filter (where dependent))::int as extra
    from dead x join simple_queue.queue q on q.id = x.queue where flow is null group by q.name, x.queue order by count(*) desc limit 100)
  union all
  (select 'EXPIRY_LATE' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(x.commit_by)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(x.id::text order by x.id))[1:5], ' '))::text as subject, (0)::int as extra
    from overdue x join simple_queue.queue q on q.id = x.queue where true group by q.name, x.queue order by count(*) desc limit 100)
  union all
  (select 'STAGED_JOBS' as code, q.name::text as queue, null::text as name, null::text[] as labels, (count(*))::int as count,
    (extract(epoch from statement_timestamp() - min(x.created_at)) * 1000)::float8 as "sinceMs", (array_to_string((array_agg(x.id::text order by x.id))[1:5], ' '))::text as subject, ((select count(*) from overdue o where o.queue = x.queue) + (select count(*) from (
      select from simple_queue.arrival a cross join lateral (select queue from simple_queue.job where id = a.job and shard = $1 offset 0) j
      where a.kind = 'depend' and a.shard = $1 and j.queue = x.queue limit 1) d))::int as extra
    from uncommitted x join simple_queue.queue q on q.id = x.queue where true group by q.name, x.queue order by count(*) desc limit 100);
