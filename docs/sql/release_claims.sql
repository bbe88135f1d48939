-- $1 smallint, $2 uuid[], $3 uuid
prepare release_claims as
with lost as materialized (
    select id, jobs, epochs from simple_queue.claim where shard = $1 and id = any($2::uuid[]) and lease = $3::uuid for update skip locked),
  moved as (
    update simple_queue.job set epoch = epoch + 1, run_at = statement_timestamp()
    where shard = $1 and id = any(array(
      select j.id from lost c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
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
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from moved t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k),
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(select id from lost)))
  select count(*)::int as jobs from moved;
