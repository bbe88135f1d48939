-- $1 smallint, $2 uuid[]
prepare commit_staged as
with unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any($2::uuid[]) returning id),
  freed as (
    update simple_queue.job set commit_by = null, run_at = greatest(run_at, statement_timestamp()),
      options = nullif(options - 'dependsOn'::text, '{}'::jsonb)
    where id = any($2::uuid[]) and shard = $1 returning id, lane, queue, priority, run_at, epoch, group_name, seq, fair, limit_key),
  placed as (
    select f.* from freed f join unstaged u on u.id = f.id),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from placed where run_at <= statement_timestamp() and limit_key is null and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from placed where run_at <= statement_timestamp() and limit_key is null and fair),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from placed where run_at > statement_timestamp()),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from placed where run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from keyed) k)
  select f.id, f.lane, f.run_at > statement_timestamp() as later, f.fair, f.limit_key is not null as keyed, u.id is not null as placed,
    u.id is null and not exists (select from simple_queue.blocked p where p.group_name = f.group_name and p.shard = $1 and p.queue = f.queue and p.seq = f.seq offset 0) as lost
  from freed f left join unstaged u on u.id = f.id;
