-- $1 smallint, $2 uuid[]
prepare restore as
with target as materialized (
    select j.id, j.epoch from simple_queue.job j where j.shard = $1 and j.id = any($2::uuid[])
      and not exists (select from simple_queue.ready p where p.lane = j.lane and p.shard = $1 and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = j.lane and p.shard = $1 and p.group_name = j.group_name and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = j.lane and p.shard = $1 and p.suspicion = j.suspicion and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = $1 and p.id = j.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = $1 and p.queue = j.queue and p.seq = j.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = $1 and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = j.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and j.id = any(c.jobs) and u.id = j.id and u.epoch = j.epoch)),
  moved as (
    update simple_queue.job j set epoch = j.epoch + 1 from target t
    where j.id = t.id and j.shard = $1 and j.epoch = t.epoch
    returning j.id, j.lane, j.queue, j.priority, j.run_at, j.epoch, j.suspicion, j.group_name, j.seq, j.fair, j.commit_by, j.limit_key),
  free as materialized (select * from moved where seq is null),
  awaiting as (
    update simple_queue.arrival a set more = pg_catalog.jsonb_set(a.more, '{epoch}'::text[], pg_catalog.to_jsonb(w.epoch)) from (
      select o.id, m.epoch from moved m cross join lateral (
        select id from simple_queue.arrival
        where kind = 'depend' and shard = $1 and job = m.id and (more ->> 'epoch'::text)::int = m.epoch - 1 order by id for update) o
      where m.commit_by is not null) w
    where a.kind = 'depend' and a.shard = $1 and a.id = w.id),
  staged as (
    insert into simple_queue.staged (id, shard, lane, epoch)
    select id, $1, lane, epoch from free where commit_by is not null),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from free where commit_by is null and run_at > statement_timestamp()),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion > 0),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair is null),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from moved t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k),
  blocked as (
    insert into simple_queue.blocked (group_name, shard, queue, seq, id, lane, epoch)
    select group_name, $1, queue, seq, id, lane, epoch from moved where seq is not null),
  grouped as materialized (select distinct group_name, queue from moved where seq is not null),
  headed as (
    insert into simple_queue.head (group_name, shard, queue) select group_name, $1, queue from grouped on conflict do nothing),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select g.group_name, $1, g.queue from grouped g
      where not exists (select from simple_queue.head h
          where h.group_name = g.group_name and h.shard = $1 and h.queue = g.queue and h.dead is not null offset 0)
        and not exists (select from simple_queue.vacant v where v.queue = g.queue and v.shard = $1 and v.group_name = g.group_name offset 0)
        and not exists (select from simple_queue.job o
          where o.group_name = g.group_name and o.shard = $1 and o.queue = g.queue and o.seq is not null
            and not exists (select from simple_queue.blocked b
              where b.group_name = o.group_name and b.shard = $1 and b.queue = o.queue and b.seq = o.seq offset 0)
            and not (not exists (select from simple_queue.ready p where p.lane = o.lane and p.shard = $1 and p.priority = o.priority and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.fair_ready p where p.lane = o.lane and p.shard = $1 and p.group_name = o.group_name and p.priority = o.priority and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.suspect p where p.lane = o.lane and p.shard = $1 and p.suspicion = o.suspicion and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.scheduled p where p.run_at = o.run_at and p.shard = $1 and p.id = o.id offset 0)
      and not exists (select from simple_queue.blocked p where p.group_name = o.group_name and p.shard = $1 and p.queue = o.queue and p.seq = o.seq offset 0)
      and not exists (select from simple_queue.keyed p where p.limit_key = o.limit_key and p.shard = $1 and p.queue = o.queue and p.priority = o.priority and p.run_at = o.run_at and p.id = o.id offset 0)
      and not exists (select from simple_queue.staged p where p.id = o.id and p.shard = $1 offset 0)
      and not exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      where c.shard = $1 and o.id = any(c.jobs) and u.id = o.id and u.epoch = o.epoch)))
    on conflict do nothing)
  select id, lane, fair, seq is not null or suspicion > 0 or run_at > statement_timestamp() or commit_by is not null as later, limit_key is not null as keyed from moved;
