-- $1 smallint, $2 uuid[]
prepare take_back as
with gone as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) 
    returning id, lane, priority, run_at, group_name, queue, seq, fair, limit_key),
  unready as (
    delete from simple_queue.ready where shard = $1
      and lane = any(array(select distinct lane from gone))
      and priority = any(array(select distinct priority from gone))
      and run_at between (select pg_catalog.min(run_at) from gone) and (select pg_catalog.max(run_at) from gone) and ctid = any(array(
      select p.ctid from gone t cross join lateral (
        select ctid from simple_queue.ready p where p.lane = t.lane and p.shard = $1 and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p)) returning id),
  unfair as (
    delete from simple_queue.fair_ready where shard = $1
      and lane = any(array(select distinct lane from gone where fair))
      and group_name = any(array(select distinct group_name from gone where fair)) and ctid = any(array(
      select p.ctid from gone t cross join lateral (
        select ctid from simple_queue.fair_ready p where p.lane = t.lane and p.shard = $1 and p.group_name = t.group_name and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.fair)) returning id),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1
      and run_at between (select pg_catalog.min(run_at) from gone) and (select pg_catalog.max(run_at) from gone) and ctid = any(array(
      select p.ctid from gone t cross join lateral (
        select ctid from simple_queue.scheduled p where p.run_at = t.run_at and p.shard = $1 and p.id = t.id for update) p)) returning id),
  unstaged as (
    delete from simple_queue.staged where shard = $1 and id = any(array(select id from gone))),
  unblocked as (
    delete from simple_queue.blocked where shard = $1
      and group_name = any(array(select distinct group_name from gone))
      and queue = any(array(select distinct queue from gone))
      and seq between (select pg_catalog.min(seq) from gone) and (select pg_catalog.max(seq) from gone) and ctid = any(array(
      select p.ctid from gone t cross join lateral (
        select ctid from simple_queue.blocked p where p.group_name = t.group_name and p.shard = $1 and p.queue = t.queue and p.seq = t.seq for update) p)) returning id),
  unkeyed as (
    delete from simple_queue.keyed where shard = $1
      and limit_key = any(array(select distinct limit_key from gone where limit_key is not null))
      and queue = any(array(select distinct queue from gone where limit_key is not null)) and ctid = any(array(
      select p.ctid from gone t cross join lateral (
        select ctid from simple_queue.keyed p where p.limit_key = t.limit_key and p.shard = $1 and p.queue = t.queue and p.priority = t.priority and p.run_at = t.run_at and p.id = t.id for update) p where t.limit_key is not null)) returning id),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from gone where seq is not null and id not in (select id from unblocked))
  select id from gone;
