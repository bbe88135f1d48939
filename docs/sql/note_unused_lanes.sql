-- $1 smallint, $2 integer, $3 integer
prepare note_unused_lanes as
with page as materialized (
    select l.id, l.unused_at, not (exists (select from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))
    or exists (select from simple_queue.ready where lane = l.id and shard = $1)
    or exists (select from simple_queue.fair_ready where lane = l.id and shard = $1)
    or exists (select from simple_queue.suspect where lane = l.id and shard = $1)
    or exists (select from simple_queue.scheduled where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.staged where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.draft where lane = l.id and shard = $1)
    or exists (select from simple_queue.outcome where lane = l.id)) as idle from simple_queue.lane l
    where l.id > $2 and l.created_at < statement_timestamp() - interval '1 hour' order by l.id limit $3::int),
  running as materialized (
    select distinct j.lane from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select lane from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
    where c.shard = $1 and exists (select from page where idle and unused_at is null)),
  judged as materialized (select id, unused_at, idle and id not in (select lane from running) as idle from page),
  locked as materialized (
    select l.id, u.idle from judged u cross join lateral (
      select id from simple_queue.lane where id = u.id and (u.unused_at is null) = u.idle for update skip locked) l),
  noted as (
    update simple_queue.lane set unused_at = case when k.idle then statement_timestamp() end from locked k where lane.id = k.id)
  select max(id) as last, count(*)::int as lanes from page;
