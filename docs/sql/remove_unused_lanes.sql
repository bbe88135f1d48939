-- $1 smallint, $2 double precision, $3 integer
prepare remove_unused_lanes as
with old as materialized (
    select id from simple_queue.lane where unused_at < statement_timestamp() - $2::float8 * interval '1 millisecond'
    order by unused_at limit $3::int for update skip locked),
  idle as materialized (
    select l.id from old l where not (exists (select from simple_queue.lease w where w.shard = $1 and w.expires_at > statement_timestamp() and l.id = any(w.lanes))
    or exists (select from simple_queue.ready where lane = l.id and shard = $1)
    or exists (select from simple_queue.fair_ready where lane = l.id and shard = $1)
    or exists (select from simple_queue.suspect where lane = l.id and shard = $1)
    or exists (select from simple_queue.scheduled where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.blocked where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.keyed where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.staged where lane = l.id and lane > 0 and shard = $1)
    or exists (select from simple_queue.draft where lane = l.id and shard = $1)
    or exists (select from simple_queue.outcome where lane = l.id))
      and not exists (select from simple_queue.dead_letter where lane = l.id and shard = $1)),
  running as materialized (
    select distinct j.lane from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select lane from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
    where c.shard = $1 and exists (select from idle)),
  gone as (
    delete from simple_queue.lane where id = any(array(select id from idle)) and id not in (select lane from running)
    returning id, queue),
  emptied as (
    delete from simple_queue.queue q where q.id = any(array(select queue from gone)) and q.paused_at is null
      and not exists (select from simple_queue.lane l where l.queue = q.id and l.id not in (select id from gone))
      and q.id not in (select queue from simple_queue.head where exists (select from gone))
      and q.id not in (select queue from simple_queue.throttle where exists (select from gone))
      and q.id not in (select queue from simple_queue.outcome where exists (select from gone))
    returning q.id),
  rooms as (delete from simple_queue.headroom where shard = $1 and queue = any(array(select id from emptied)))
  select (select count(*) from gone)::int as lanes, (select count(*) from emptied)::int as queues;
