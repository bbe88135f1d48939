-- $1 smallint, $2 integer, $3 bigint
prepare take_ends as
with page as materialized (
    select a.id, (select w.id from simple_queue.workflow w where w.id = (select workflow from simple_queue.step where id = a.job and shard = $1) and w.shard = $1) as flow from (
      select * from simple_queue.arrival where kind = 'end' and shard = $1 and id > $3::bigint order by id limit $2::int) a),
  free as materialized (
    select w.id from (select distinct flow as id from page order by flow) u cross join lateral (
      select id from simple_queue.workflow where id = u.id and shard = $1 for update skip locked) w),
  gone as (
    delete from simple_queue.arrival where kind = 'end' and shard = $1 and id = any(array(
      select id from simple_queue.arrival where kind = 'end' and shard = $1 and id = any(array(
        select id from page where flow is null or flow in (select id from free))) order by id for update skip locked))
    returning id, job, state, output, error),
  told as (
    update simple_queue.step s set state = g.state, output = g.output, error = g.error, ended_at = statement_timestamp()
    from (select distinct on (job) * from gone order by job, id) g
    where s.id = g.job and s.shard = $1 and s.state is null
    returning s.workflow, s.stage, s.item, s.state, g.id as seq),
  counts as materialized (
    select workflow, stage, count(*)::int as n, (count(*) filter (where state <> 'succeeded'))::int as failed
    from told group by workflow, stage),
  held as materialized (
    select w.id, w.saga, w.stop is not null or w.deadline_at <= statement_timestamp() as halted,
      w.stops_at_failure and w.stop is null and w.ended_at is null as stops,
      w.state = 'compensating' and w.stop is distinct from 'abandoned' as undoing
    from (select distinct workflow from counts order by workflow) c cross join lateral (
      select * from simple_queue.workflow where id = c.workflow and shard = $1 for update) w),
  remembered as (
    insert into simple_queue.undo (workflow, shard, seq, stage, item)
    select t.workflow, $1, coalesce(t.seq, nextval('simple_queue.turn')), s.stage, t.item from told t join held h on h.id = t.workflow and h.saga
    cross join lateral (
      select stage from simple_queue.step where workflow = t.workflow and shard = $1 and stage = -1 - t.stage and item = t.item offset 0) s
    where t.state = 'succeeded' and t.stage >= 0 order by t.stage, t.item),
  counted as (
    update simple_queue.stage s set open = s.open - c.n, failed = s.failed + c.failed
    from counts c join held h on h.id = c.workflow
    where s.workflow = c.workflow and s.shard = $1 and s.n = c.stage
    returning s.workflow, s.n as stage, s.open, s.failed, c.failed as failed_now),
  ahead as materialized (
    select n.* from (select workflow from counted where stage < 0 and failed_now = 0) c join held h on h.id = c.workflow and h.undoing
    cross join lateral (
      select * from simple_queue.undo where workflow = c.workflow and shard = $1 and not begun order by seq desc limit 1) n
    where (select s.plain from simple_queue.stage s where s.workflow = n.workflow and s.shard = $1 and s.n = n.stage)
      and not exists (select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = n.workflow)),
  struck as (delete from simple_queue.undo where shard = $1 and ctid = any(array(
    select u.ctid from ahead n cross join lateral (
      select ctid from simple_queue.undo where workflow = n.workflow and shard = $1 and seq > n.seq offset 0) u))),
  undoing as (update simple_queue.undo u set begun = true from ahead n where u.workflow = n.workflow and u.shard = $1 and u.seq = n.seq),
  complete as materialized (select workflow, stage, failed > 0 as failed, false as skipped from counted where open = 0 and stage >= 0),
  failing as materialized (
    select id from held h where h.stops
      and exists (select from counted c where c.workflow = h.id and c.failed_now > 0 and c.stage >= 0)),
  edges as materialized (
    select e.workflow, e.downstream,
      e.condition = 'ended' or not c.skipped and (e.condition = 'failed') = c.failed as holds
    from complete c cross join lateral (
      select workflow, downstream, condition from simple_queue.edge
      where workflow = c.workflow and shard = $1 and upstream = c.stage offset 0) e
    where (e.workflow, e.downstream) not in (select workflow, stage from complete)
      and (e.workflow not in (select id from held where halted union all select id from failing) and
        not exists (select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = e.workflow)
        or (select s.again from simple_queue.stage s where s.workflow = e.workflow and s.shard = $1 and s.n = e.downstream))),
  lowered as (
    update simple_queue.stage s set waits = s.waits - e.n, begun = s.waits = e.n
    from (select workflow, downstream, count(*)::int as n from edges where holds group by workflow, downstream) e
    where s.workflow = e.workflow and s.shard = $1 and s.n = e.downstream and not s.begun and not s.skipped
    returning s.workflow, s.n as stage, s.begun, s.plain),
  drafted as materialized (
    select d.* from lowered l cross join lateral (
      select * from simple_queue.draft where workflow = l.workflow and shard = $1 and stage = l.stage offset 0) d
    where l.begun and l.plain
    union all select d.* from ahead n cross join lateral (
      select * from simple_queue.draft where workflow = n.workflow and shard = $1 and stage = n.stage and item = n.item offset 0) d),
  stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    select id, $1, lane, queue, priority, greatest(statement_timestamp(),
        coalesce(run_at, statement_timestamp() + delay_ms * interval '1 millisecond')), fingerprint, options, payload, payload_bytes
    from (select * from drafted order by workflow, stage, item) d
    on conflict do nothing
    returning id, lane, priority, run_at, 0 as epoch),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from stored where run_at > statement_timestamp()
    returning id),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from stored where run_at <= statement_timestamp()
    returning lane),
  finished as (
    update simple_queue.workflow w set open = w.open - c.n, failed = w.failed + c.failed, stop = coalesce(case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end, c.stop),
      state = case when w.open > c.n then w.state when (w.saga and case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is distinct from 'abandoned' and (case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0)) then 'compensating' when case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end in ('cancelled', 'abandoned') then 'cancelled'
        when case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0 then 'failed' else 'succeeded' end,
      ended_at = case when w.open = c.n and not (w.saga and case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is distinct from 'abandoned' and (case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0)) then statement_timestamp() end,
      expires_at = case when w.open = c.n and not (w.saga and case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is distinct from 'abandoned' and (case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0)) then statement_timestamp() + w.keep_ms * interval '1 millisecond' end
    from (select c.*, (select pg_catalog.min(a.state) from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = c.workflow) as asked
      from (select workflow, count(stage)::int as n, (count(*) filter (where failed))::int as failed, max(stop) as stop
      from (select workflow, stage, failed, null as stop from complete union all select id, null, false, stop from (select id, 'failed' as stop from failing) m) x group by workflow) c) c
    where w.id = c.workflow and w.shard = $1
    returning w.id, w.name, w.state, w.attempt),
  left_over as (
    insert into simple_queue.arrival (shard, kind, job, state, workflow, stage)
    select distinct $1::smallint, 'skip', null::uuid, null, workflow, downstream from edges where not holds
    union all select $1, 'begin', null, null, workflow, stage from lowered where begun and not plain
    union all select $1, 'end', id, 'failed', null, null from drafted where id not in (select id from stored)
    union all select $1, 'undo', null, null, id, null from finished where state = 'compensating'
    union all select $1, 'stop', null, 'failed', id, null from finished where state = 'running' and id in (select id from failing)
    union all select distinct $1, 'undo', null::uuid, null, workflow, null::int from counted
      where stage < 0 and workflow not in (select workflow from ahead) returning 1)
  select array(select distinct lane from readied) as lanes,
    (select count(*) from scheduled)::int as later,
    ((select count(*) from left_over) + 0)::int as arrivals,
    (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'state', state, 'attempt', attempt)), '[]')
      from finished where state not in ('running', 'compensating')) as ended, (select count(*) from gone)::int as taken, (select p.id from page p order by p.id offset $2::int - 1 limit 1)::text as last;
