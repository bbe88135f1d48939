-- $1 smallint, $2 integer[]
prepare list_workers as
with page as materialized (
    select id, worker, created_at, expires_at, about, lanes from simple_queue.lease
    where shard = $1 and ($2::int[] is null or lanes && $2::int[]) order by created_at, id limit 1000),
  claimed as materialized (
    select u.id, u.epoch, c.lease from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) where c.shard = $1 and (c.lease in (select id from page)) is true),
  found as materialized (
    select id, epoch, suspicion from simple_queue.job where shard = $1 and id = any(array(select id from claimed))),
  held as materialized (
    select lease, count(*)::int as jobs, (array_agg(id::text))[1:20] as holds,
      bool_or((id in (select id from found where suspicion >= 3 and suspicion % 2 = 1)) is true) as alone
    from claimed where ((id, epoch) in (select id, epoch from found)) is true group by lease),
  serving as materialized (
    select w.id, array_agg(distinct q.name order by q.name) as queues
    from page w cross join lateral unnest(w.lanes[1:5000 / (select greatest(100, count(*)) from page)::int]) u(lane)
    join simple_queue.lane l on l.id = u.lane join simple_queue.queue q on q.id = l.queue group by w.id)
  select w.id as lease, w.worker, w.created_at as since, w.expires_at as "expiresAt", w.expires_at > statement_timestamp() as live,
    coalesce(s.queues, '{}') as queues,
    coalesce(h.jobs, 0) as jobs, coalesce(h.holds, '{}') as holds, coalesce(h.alone, false) as alone, w.about - '{full,failing}'::text[] as about
  from page w left join held h on h.lease = w.id left join serving s on s.id = w.id
  where h.lease is not null or w.expires_at > statement_timestamp() or not exists (select from page n where n.worker = w.worker and n.created_at > w.created_at)
  order by w.created_at, w.id;
