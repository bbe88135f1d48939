-- $1 smallint, $2 integer
prepare check_some_places as
with held as materialized (
    select u.id, u.epoch, count(*) as n from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    where c.shard = $1 group by 1, 2),
  first as materialized (select * from simple_queue.job where shard = $1 order by id limit $2::int),
  standing as (
    select j.id, j.epoch, p.places || array_fill('claim@' || j.epoch, array[coalesce(h.n, 0)::int]) as places
    from first j left join held h on h.id = j.id and h.epoch = j.epoch cross join lateral (
      select array(
        select 'ready@' || p.epoch from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id
        union all select 'fair_ready@' || p.epoch from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id
        union all select 'suspect@' || p.epoch from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id
        union all select 'scheduled@' || p.epoch from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id
        union all select 'blocked@' || p.epoch from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq
        union all select 'keyed@' || p.epoch from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id
        union all select 'staged@' || p.epoch from simple_queue.staged p where p.id = j.id and p.shard = $1) as places) p),
  place as (
    (select id, epoch, 'ready' as place from simple_queue.ready where shard = $1 limit $2::int) union all
    (select id, epoch, 'fair_ready' as place from simple_queue.fair_ready where shard = $1 limit $2::int) union all
    (select id, epoch, 'suspect' as place from simple_queue.suspect where shard = $1 limit $2::int) union all
    (select id, epoch, 'scheduled' as place from simple_queue.scheduled where shard = $1 limit $2::int) union all
    (select id, epoch, 'blocked' as place from simple_queue.blocked where shard = $1 limit $2::int) union all
    (select id, epoch, 'keyed' as place from simple_queue.keyed where shard = $1 limit $2::int) union all
    (select id, epoch, 'staged' as place from simple_queue.staged where shard = $1 limit $2::int))
  (select id, epoch, true as lives, places from standing
    where cardinality(places) <> 1 or split_part(places[1], '@', 2)::int <> epoch limit 1000)
  union all
  (select p.id, null, false, array[p.place || '@' || p.epoch] from place p cross join lateral (
      select count(*) as n from (select 1 from simple_queue.job where id = p.id and shard = $1 offset 0) j) l
    where l.n = 0 limit 1000);
