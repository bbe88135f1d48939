-- $1 smallint, $2 uuid
prepare retry_workflow as
with stale as (
    delete from simple_queue.arrival where shard = $1 and kind in ('begin', 'skip', 'stop') and id = any(array(
      select id from simple_queue.arrival where shard = $1 and kind in ('begin', 'skip', 'stop') and workflow = $2::uuid order by id limit 10000
      for update skip locked))),
  again as (
    update simple_queue.step set state = null, output = null, error = null, ended_at = null
    where workflow = $2::uuid and shard = $1 and state in ('failed', 'cancelled', 'skipped') and stage >= 0 returning id, stage),
  heard as materialized (select coalesce(jsonb_object_agg(id, 0), '{}') as jobs from again),
  unheard as (
    delete from simple_queue.arrival where kind = 'end' and shard = $1 and id = any(array(
      select id from simple_queue.arrival where kind = 'end' and shard = $1 and (select jobs from heard) ? job::text order by id limit 10000
      for update skip locked))),
  opened as materialized (select coalesce(jsonb_object_agg(stage, n), '{}') as by_stage from (select stage, count(*) as n from again group by stage) o),
  counts as materialized (
    select s.n, coalesce(((select by_stage from opened) ->> s.n::text)::int, 0) as open from simple_queue.stage s
    where s.workflow = $2::uuid and s.shard = $1 and (s.skipped or (select by_stage from opened) ? s.n::text)),
  counted as materialized (select coalesce(jsonb_object_agg(n, open), '{}') as by_stage from counts),
  edges as materialized (
    select e.downstream, ((select by_stage from counted) ? e.upstream::text)::int as waits, e.condition = 'failed' as fails
    from simple_queue.edge e where e.workflow = $2::uuid and e.shard = $1),
  awaited as materialized (select coalesce(jsonb_object_agg(downstream, waits), '{}') as by_stage from (select downstream, sum(waits) as waits from edges group by downstream) w),
  reopened as (
    update simple_queue.stage s set open = ((select by_stage from counted) ->> s.n::text)::int, failed = 0, skipped = false, begun = s.begun and not s.skipped,
      waits = coalesce(((select by_stage from awaited) ->> s.n::text)::int, 0)
    where s.workflow = $2::uuid and s.shard = $1 and (select by_stage from counted) ? s.n::text
    returning s.n, s.begun, s.waits),
  fresh as materialized (select coalesce(jsonb_object_agg(n, waits), '{}') as by_stage from reopened where not begun),
  broken as materialized (
    select distinct e.downstream as n from edges e where e.waits = 0 and e.fails and (select by_stage from fresh) ? e.downstream::text),
  starting as (
    update simple_queue.workflow set state = case when r.n > 0 then 'running' else 'succeeded' end, stop = null, attempt = attempt + 1, failed = 0,
      ended_at = case when r.n = 0 then statement_timestamp() end,
      expires_at = case when r.n = 0 then statement_timestamp() + keep_ms * interval '1 millisecond' end,
      deadline_at = statement_timestamp() + deadline_ms * interval '1 millisecond', open = r.n
    from (select count(*)::int as n from reopened) r where id = $2::uuid and shard = $1 returning id, name, state, attempt),
  left_over as (
    insert into simple_queue.arrival (shard, kind, workflow, stage)
    select $1, case when n in (select n from broken) then 'skip' else 'begin' end, $2::uuid, n from reopened
    where not begun and (waits = 0 or n in (select n from broken)) returning kind, stage)
  select * from starting;
