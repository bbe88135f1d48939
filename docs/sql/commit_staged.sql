-- $1 smallint, $2 uuid
prepare commit_staged as
with unstaged as (
    delete from simple_queue.staged where shard = $1 and id = $2::uuid returning id),
  freed as (
    update simple_queue.job set commit_by = null, run_at = greatest(run_at, statement_timestamp())
    where id = $2::uuid and shard = $1 returning id, lane, priority, run_at, epoch, group_name, fair),
  placed as (
    select f.* from freed f join unstaged u on u.id = f.id),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from placed where run_at <= statement_timestamp() and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from placed where run_at <= statement_timestamp() and fair),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from placed where run_at > statement_timestamp())
  select lane, run_at > statement_timestamp() as later, fair from placed;
