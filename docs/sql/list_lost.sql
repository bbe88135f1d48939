-- $1 smallint, $2 integer[], $3 uuid, $4 integer, $5 integer
prepare list_lost as
with walked as materialized (
    select * from simple_queue.job where shard = $1 and id > $3::uuid order by id limit $5::int),
  hit as materialized (
    select j.id from walked j where ($2::int[] is null or j.lane = any($2::int[]))
      and not exists (select from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = j.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and j.id = any(c.jobs) and u.id = j.id and u.epoch = j.epoch) order by j.id limit $4::int)
  (select id, null as at, true as hit from hit order by id) union all
  (select id, null, false from walked where (select count(*) from hit) < $4::int and (select count(*) from walked) = $5::int
    order by id desc limit 1);
