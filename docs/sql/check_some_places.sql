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
        select 'ready@' || p.epoch from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id and p.lane = j.lane
        union all select 'fair_ready@' || p.epoch from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id and p.lane = j.lane
        union all select 'suspect@' || p.epoch from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id and p.lane = j.lane
        union all select 'scheduled@' || p.epoch from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id and p.lane = j.lane
        union all select 'blocked@' || p.epoch from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq and p.lane = j.lane
        union all select 'keyed@' || p.epoch from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id and p.lane = j.lane
        union all select 'staged@' || p.epoch from simple_queue.staged p where p.id = j.id and p.shard = $1 and p.lane = j.lane) as places) p),
  place as (
    select p.id, p.epoch, 'ready' as place from (select * from simple_queue.ready where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane, p.priority, p.run_at) = (j.id, j.shard, j.lane, j.priority, j.run_at) offset 0) j) l where l.n = 0 union all
    select p.id, p.epoch, 'fair_ready' as place from (select * from simple_queue.fair_ready where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane, p.group_name, p.priority, p.run_at) = (j.id, j.shard, j.lane, j.group_name, j.priority, j.run_at) offset 0) j) l where l.n = 0 union all
    select p.id, p.epoch, 'suspect' as place from (select * from simple_queue.suspect where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane, p.suspicion, p.run_at) = (j.id, j.shard, j.lane, j.suspicion, j.run_at) offset 0) j) l where l.n = 0 union all
    select p.id, p.epoch, 'scheduled' as place from (select * from simple_queue.scheduled where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane, p.run_at) = (j.id, j.shard, j.lane, j.run_at) offset 0) j) l where l.n = 0 union all
    select p.id, p.epoch, 'blocked' as place from (select * from simple_queue.blocked where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane, p.group_name, p.queue, p.seq) = (j.id, j.shard, j.lane, j.group_name, j.queue, j.seq) offset 0) j) l where l.n = 0 union all
    select p.id, p.epoch, 'keyed' as place from (select * from simple_queue.keyed where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane, p.limit_key, p.queue, p.priority, p.run_at) = (j.id, j.shard, j.lane, j.limit_key, j.queue, j.priority, j.run_at) offset 0) j) l where l.n = 0 union all
    select p.id, p.epoch, 'staged' as place from (select * from simple_queue.staged where shard = $1 limit $2::int) p
      cross join lateral (select count(*) as n from (select 1 from simple_queue.job j where (p.id, p.shard, p.lane) = (j.id, j.shard, j.lane) offset 0) j) l where l.n = 0)
  (select id, epoch, true as lives, places from standing
    where cardinality(places) <> 1 or split_part(places[1], '@', 2)::int <> epoch limit 1000)
  union all
  (select p.id, null, false, array[p.place || '@' || p.epoch] from place p limit 1000);
