-- $1 smallint, $2 integer, $3 bigint
prepare skip_stages as
with recursive page as materialized (
    select a.id, (select w.id from simple_queue.workflow w where w.id = a.workflow and w.shard = $1) as flow from (
      select * from simple_queue.arrival where kind = 'skip' and shard = $1 and id > $3::bigint order by id limit $2::int) a),
  free as materialized (
    select w.id from (select distinct flow as id from page order by flow) u cross join lateral (
      select id from simple_queue.workflow where id = u.id and shard = $1 for update skip locked) w),
  gone as (
    delete from simple_queue.arrival where kind = 'skip' and shard = $1 and id = any(array(
      select id from simple_queue.arrival where kind = 'skip' and shard = $1 and id = any(array(
        select id from page where flow is null or flow in (select id from free))) order by id for update skip locked))
    returning workflow, stage),
  chain as (
    select workflow, stage from gone
    union select e.workflow, e.downstream from chain c cross join lateral (
      select * from simple_queue.edge where workflow = c.workflow and shard = $1 and upstream = c.stage and condition <> 'ended' offset 0) e
    where exists (select from simple_queue.stage s
      where s.workflow = c.workflow and s.shard = $1 and s.n = c.stage and not s.begun and not s.skipped)),
  reached as materialized (select * from gone union (select * from chain limit $2::int)),
  held as materialized (
    select w.id, w.saga, w.stop is not null or w.deadline_at <= statement_timestamp() as halted,
      w.stops_at_failure and w.stop is null and w.ended_at is null as stops,
      w.state = 'compensating' and w.stop is distinct from 'abandoned' as undoing
    from (select distinct workflow from gone order by workflow) c cross join lateral (
      select * from simple_queue.workflow where id = c.workflow and shard = $1 for update) w),
  skipping as (
    update simple_queue.stage s set skipped = true, open = 0
    from (select * from reached where workflow in (select id from held) offset 0) g
    where s.workflow = g.workflow and s.shard = $1 and s.n = g.stage and not s.begun and not s.skipped
    returning s.workflow, s.n as stage),
  complete as materialized (select workflow, stage, false as failed, true as skipped from skipping),
  told as (
    update simple_queue.step t set state = 'skipped', ended_at = statement_timestamp()
    from complete s where t.workflow = s.workflow and t.shard = $1 and t.stage = s.stage and t.state is null),
  edges as materialized (
    select e.workflow, e.downstream,
      e.condition = 'ended' or not c.skipped and (e.condition = 'failed') = c.failed as holds
    from complete c cross join lateral (
      select workflow, downstream, condition from simple_queue.edge
      where workflow = c.workflow and shard = $1 and upstream = c.stage offset 0) e
    where (e.workflow, e.downstream) not in (select workflow, stage from complete)
      and (e.workflow not in (select id from held where halted) and
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
    where l.begun and l.plain),
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
    update simple_queue.workflow w set open = w.open - c.n, failed = w.failed + c.failed, stop = case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end,
      state = case when w.open > c.n then w.state when (w.saga and case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is distinct from 'abandoned' and (case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0)) then 'compensating' when case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end in ('cancelled', 'abandoned') then 'cancelled'
        when case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0 then 'failed' else 'succeeded' end,
      ended_at = case when w.open = c.n and not (w.saga and case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is distinct from 'abandoned' and (case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0)) then statement_timestamp() end,
      expires_at = case when w.open = c.n and not (w.saga and case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is distinct from 'abandoned' and (case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end is not null or w.failed + c.failed > 0)) then statement_timestamp() + w.keep_ms * interval '1 millisecond' end
    from (select c.*, (select pg_catalog.min(a.state) from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = c.workflow) as asked
      from (select workflow, count(*)::int as n, (count(*) filter (where failed))::int as failed from complete group by workflow) c) c
    where w.id = c.workflow and w.shard = $1
    returning w.id, w.name, w.state, w.attempt),
  left_over as (
    insert into simple_queue.arrival (shard, kind, job, state, workflow, stage)
    select distinct $1::smallint, 'skip', null::uuid, null, workflow, downstream from edges where not holds
    union all select $1, 'begin', null, null, workflow, stage from lowered where begun and not plain
    union all select $1, 'end', id, 'failed', null, null from drafted where id not in (select id from stored)
    union all select $1, 'undo', null, null, id, null from finished where state = 'compensating'
     returning 1)
  select array(select distinct lane from readied) as lanes,
    (select count(*) from scheduled)::int as later,
    ((select count(*) from left_over) + 0)::int as arrivals,
    (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'state', state, 'attempt', attempt)), '[]')
      from finished where state not in ('running', 'compensating')) as ended, (select count(*) from gone)::int as taken, (select p.id from page p order by p.id offset $2::int - 1 limit 1)::text as last;
