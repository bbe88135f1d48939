-- $1 smallint, $2 uuid[]
prepare hasten as
with target as materialized (
    select id, run_at from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1 and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id for update) p)) returning id),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from unscheduled)) returning id, lane, priority, run_at, epoch, suspicion, group_name, fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where suspicion = 0 and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where suspicion = 0 and fair),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where suspicion > 0)
  select id, lane, fair from moved;
