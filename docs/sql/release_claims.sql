-- $1 smallint, $2 uuid[], $3 uuid
prepare release_claims as
with lost as materialized (
    select id, jobs, epochs from simple_queue.claim where shard = $1 and id = any($2::uuid[]) and lease = $3::uuid for update skip locked),
  moved as (
    update simple_queue.job set epoch = epoch + 1, run_at = statement_timestamp()
    where shard = $1 and id = any(array(
      select j.id from lost c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning id, lane, priority, run_at, epoch, suspicion, group_name, fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where suspicion = 0 and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where suspicion = 0 and fair),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where suspicion > 0),
  freed as (
    delete from simple_queue.claim where shard = $1 and id = any(array(select id from lost)))
  select count(*)::int as jobs from moved;
