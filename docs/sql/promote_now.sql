-- $1 smallint, $2 uuid[]
prepare promote_now as
with target as materialized (
    select id, run_at from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1 and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id for update) p)) returning id),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from unscheduled)) returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where limit_key is null and suspicion = 0 and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where limit_key is null and suspicion = 0 and fair),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where limit_key is null and suspicion > 0),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where limit_key is not null
    returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from keyed) k)
  select id, lane, fair, suspicion > 0 as later, limit_key is not null as keyed from moved;
