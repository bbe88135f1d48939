-- $1 smallint, $2 uuid[], $3 integer[]
prepare return_strays as
with asked as materialized (
    select id, count(*) as strays from unnest($2::uuid[]) u(id) group by id),
  stray as materialized (
    select j.* from asked u cross join lateral (
      select id, lane, queue, priority, run_at, epoch, suspicion, group_name, seq, limit_key
      from simple_queue.job where id = u.id and shard = $1 for update skip locked) j),
  lost as materialized (
    select j.id from stray j
    where not exists (select from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id and p.epoch = j.epoch)
      and not exists (select from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id and p.epoch = j.epoch)
      and not exists (select from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id and p.epoch = j.epoch)
      and not exists (select from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id and p.epoch = j.epoch)
      and not exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq and p.epoch = j.epoch)
      and not exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id and p.epoch = j.epoch)
      and not exists (select from simple_queue.staged p where p.id = j.id and p.shard = $1 and p.epoch = j.epoch)
      and (select count(*) from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) where c.shard = $1 and u.id = j.id and u.epoch = j.epoch)
        <= (select count(*) from unnest($2::uuid[], $3::int[]) u(id, epoch) where u.id = j.id and u.epoch = j.epoch)),
  moved as (
    update simple_queue.job set epoch = least(epoch + 1, 2147000000), run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from lost))
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, commit_by, limit_key),
  staged as (
    insert into simple_queue.staged (id, shard, lane, epoch)
    select id, $1, lane, epoch from moved where commit_by is not null),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where commit_by is null and limit_key is null and suspicion > 0),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where commit_by is null and limit_key is null and suspicion = 0 and fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where commit_by is null and limit_key is null and suspicion = 0 and fair is null),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where commit_by is null and limit_key is not null
    returning limit_key, queue),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from moved t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k)
  select a.id::text as id, m.lane, coalesce(m.fair, false) as fair,
    m.suspicion > 0 or m.commit_by is not null or m.limit_key is not null as later,
    s.id is null and exists (select from simple_queue.job j where j.id = a.id and j.shard = $1) as locked
  from asked a left join stray s on s.id = a.id left join moved m on m.id = a.id;
