-- $1 smallint, $2 uuid[], $3 text[]
prepare revive as
with dead as materialized (
    select * from simple_queue.dead_letter where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) for update),
  kept as materialized (
    select * from simple_queue.archive where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) for update),
  ended as materialized (
    select e.*, l.queue, e.options ? 'ordered' as ordered, nullif(e.options ? 'fair', false) as fair,
      case when e.options ?| array['ordered', 'fair'] then coalesce(e.options ->> 'group', '') else e.options ->> 'group' end as group_name,
      e.options ->> 'limitKey' as limit_key
    from (select * from dead union all select * from kept) e join simple_queue.lane l on l.id = e.lane),
  sized as materialized (
    select queue, group_name, count(*) over (partition by queue) as size from (select distinct queue, group_name from ended where ordered) g),
  locked as materialized (
    select case when size > 32 then pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0))::text else pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0))::text end
    from (select distinct queue, size from sized order by queue) q
    union all
    select pg_advisory_xact_lock(key)::text from (
      select distinct pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0) as key from sized where size <= 32 order by 1) k),
  -- A dead job gets its old place back; what has no place any more stands last.
  placed as materialized (
    select e.*, coalesce(h.dead_seq, case when e.ordered then nextval('simple_queue.turn') end) as seq
    from (select ended.* from ended, (select count(*) from locked) l order by finished_at, id) e
    left join lateral (
      select dead_seq from simple_queue.head
      where group_name = e.group_name and shard = $1 and queue = e.queue and dead = e.id limit 1) h on e.ordered),
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, suspicion, created_at, run_at, unique_key, fingerprint, options,
      payload, payload_bytes, last_error, history, group_name, seq, fair, limit_key)
    select e.id, $1, 1000000 + (pg_catalog.uuid_hash_extended(gen_random_uuid(), 0) & 1073741823::bigint)::int, e.lane, e.queue, e.priority,
      case when e.state = 'poisoned' and e.stalls > 0 then 3 else 0 end, e.created_at, statement_timestamp(), e.unique_key, e.fingerprint,
      e.options - 'rescheduledSince', e.payload, e.payload_bytes, e.last_error,
      (case when jsonb_array_length(e.history) >= 20 then e.history - 0 else coalesce(e.history, '[]') end)
        || jsonb_build_object('attempt', e.attempt, 'outcome', 'revived', 'at', statement_timestamp()), e.group_name, e.seq, e.fair, e.limit_key
    from placed e order by e.queue, e.unique_key collate "C" nulls first, e.id
    on conflict do nothing
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, seq, fair, limit_key),
  returned as (
    update simple_queue.head set dead = null, dead_seq = null, dead_at = null, dead_until = null, halts = false
    where shard = $1 and ctid = any(array(
      select h.ctid from stored s cross join lateral (
        select ctid from simple_queue.head
        where group_name = s.group_name and shard = $1 and queue = s.queue and dead = s.id limit 1 for update) h
      where s.seq is not null))
    returning group_name, queue),
  headed as (
    insert into simple_queue.head (group_name, shard, queue)
    select distinct group_name, $1::smallint, queue from stored where seq is not null
    on conflict do nothing
    returning group_name, queue),
  begun as materialized (
    select h.*, exists (select from simple_queue.head x where x.queue = h.queue and x.shard = $1 and x.halts offset 0) as halted
    from headed h),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from begun where halted),
  turned as materialized (
    select distinct on (s.group_name, s.queue) s.id from stored s
    join (select * from returned union all select group_name, queue from begun where not halted) b on b.group_name = s.group_name and b.queue = s.queue
    where s.seq is not null order by s.group_name, s.queue, s.seq),
  blocked as (
    insert into simple_queue.blocked (group_name, shard, queue, seq, id, lane, epoch)
    select group_name, $1, queue, seq, id, lane, epoch from stored where seq is not null and id not in (select id from turned)),
  free as materialized (select * from stored where seq is null or id in (select id from turned)),
  undead as (
    delete from simple_queue.dead_letter where shard = $1 and id = any(array(select id from stored))),
  unkept as (
    delete from simple_queue.archive where shard = $1 and id = any(array(select id from stored))),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from free where limit_key is null and suspicion = 0 and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from free where limit_key is null and suspicion = 0 and fair),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from free where limit_key is null and suspicion > 0),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from free where limit_key is not null
    returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from keyed) k),
  -- Among the jobs that its schedule asks before the next tick.
  scheduled_again as (
    update simple_queue.schedule s set jobs = (s.jobs || array(
      select e.id from ended e join stored o on o.id = e.id where e.options -> 'schedule' ->> 'name' = s.name))[:200]
    where s.shard = $1 and s.ctid = any(array(
      select k.ctid from (select distinct e.options -> 'schedule' ->> 'name' as name from ended e where e.options ? 'schedule' order by 1) n
      cross join lateral (
        select ctid from simple_queue.schedule
        where name = n.name and shard = $1 and spec ->> 'overlap' <> 'allow' order by name limit 1 for update) k)))
  select e.id, e.lane, e.fair, e.limit_key is not null as keyed, e.unique_key as "uniqueKey", exists (select from stored s where s.id = e.id) as revived from ended e;
