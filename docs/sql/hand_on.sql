-- $1 smallint, $2 text[], $3 integer[]
prepare hand_on as
with asked as materialized (
    select u.group_name, u.queue, (
      select b.seq from simple_queue.blocked b
      where b.group_name = u.group_name and b.shard = $1 and b.queue = u.queue order by b.seq limit 1) as seq
    from unnest($2::text[], $3::int[]) u(group_name, queue)),
  found as materialized (
    select a.group_name, a.queue, b.id, b.place, j.id as had from asked a
    cross join lateral (
      select ctid as place, id from simple_queue.blocked
      where group_name = a.group_name and shard = $1 and queue = a.queue and seq = a.seq limit 1 for update skip locked) b
    left join lateral (
      select id from simple_queue.job where id = b.id and shard = $1 limit 1 for update skip locked) j on true),
  next as materialized (
    select * from found f where had is not null or not exists (select from simple_queue.job where id = f.id and shard = $1 offset 0)),
  unblocked as (
    delete from simple_queue.blocked where shard = $1 and ctid = any(array(select place from next)) returning id),
  moved as (
    update simple_queue.job set run_at = greatest(run_at, statement_timestamp())
    where shard = $1 and id = any(array(select id from unblocked)) returning id, lane, queue, priority, run_at, epoch, suspicion, commit_by, limit_key, group_name, fair),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion = 0
    returning lane),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where commit_by is null and run_at <= statement_timestamp() and limit_key is null and suspicion > 0
    returning id),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from moved where commit_by is null and run_at > statement_timestamp()
    returning id),
  staged as (
    insert into simple_queue.staged (id, shard, lane, epoch)
    select id, $1, lane, epoch from moved where commit_by is not null),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where commit_by is null and run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from keyed) k),
  dealt as materialized (
    select group_name, queue, seq from asked where seq is null
    union all select group_name, queue, 0 from next where had in (select id from unblocked)),
  filled as (
    delete from simple_queue.vacant where shard = $1 and ctid = any(array(
      select v.ctid from dealt d cross join lateral (
        select ctid from simple_queue.vacant
        where group_name = d.group_name and shard = $1 and queue = d.queue limit 1 for update) v))),
  ended as (
    delete from simple_queue.head where shard = $1 and ctid = any(array(
      select h.ctid from dealt d cross join lateral (
        select ctid from simple_queue.head
        where group_name = d.group_name and shard = $1 and queue = d.queue limit 1 for update) h
      where d.seq is null)))
  select array(select distinct lane from readied) as lanes,
    ((select count(*) from scheduled) + (select count(*) from suspected) + (select count(*) from keyed))::int as later,
    (select count(*) from dealt)::int as dealt;
