-- $1 smallint, $2 uuid[], $3 integer[], $4 integer[], $5 smallint[], $6 timestamp with time zone[], $7 double precision[], $8 text[], $9 text[], $10 text[], $11 text[], $12 bytea[], $13 text[], $14 boolean[], $15 bigint[], $16 integer[], $17 double precision[], $18 boolean[], $19 text[], $20 timestamp with time zone, $21 boolean[], $22 integer[]
prepare enqueue_held as
with known as materialized (
    select where (select count(*) from simple_queue.lane where id = any($22::int[]) and unused_at is null) = pg_catalog.cardinality($22::int[])),
  told as materialized (
    select u.* from unnest($2::uuid[], $3::int[], $4::int[], $5::smallint[], $6::timestamptz[], $7::float8[], $8::text[], $9::text[],
      $10::text[], $11::text[], $12::bytea[], $13::text[], $14::boolean[], $15::bigint[], $16::int[], $17::float8[], $18::boolean[], $19::text[], $21::boolean[]) with ordinality
      u(id, lane, queue, priority, at, delay_ms, unique_key, fingerprint, options, payload, payload_bytes, group_name, ordered, seq,
        position, commit_within_ms, fair, limit_key, given, sorted)
    where exists (select from known)),
  grouped as materialized (
    select distinct queue, group_name, ordered from told where group_name is not null),
  sized as materialized (
    select queue, group_name, count(*) over (partition by queue) as size from (select queue, group_name from grouped where ordered) g),
  locked as materialized (
    select case when size > 32 then pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0))::text else pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0))::text end
    from (select distinct queue, size from sized order by queue) q
    union all
    select pg_advisory_xact_lock(key)::text from (
      select distinct pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0) as key from sized where size <= 32 order by 1) k),
  mixed as materialized (
    select g.group_name from grouped g where case when g.ordered
      then (select j.seq is null from (
        select seq from simple_queue.job where group_name = g.group_name and shard = $1 and queue = g.queue
        order by seq desc nulls first limit 1) j)
      else exists (select from simple_queue.head where group_name = g.group_name and shard = $1 and queue = g.queue offset 0) end),
  item as materialized (
    select g.*, greatest(g.now, coalesce(g.at, g.now + g.delay_ms * interval '1 millisecond')) as due,
      case when ordered then coalesce(seq, pg_catalog.nextval('simple_queue.turn')) end as turn,
      case when given then 1000000 + (pg_catalog.uuid_hash_extended(gen_random_uuid(), 0) & 1073741823::bigint)::int else 0 end as epoch
    from (select i.*, coalesce($20::timestamptz, statement_timestamp()) as now from told i, (select count(*) from locked) l
      where not exists (select from mixed) order by position) g),
  noted as (
    insert into simple_queue.given_id (id, shard) select id, $1 from item where given order by id
    on conflict do nothing
    returning id),
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, run_at, unique_key, fingerprint, options, payload, payload_bytes,
      group_name, seq, commit_by, fair, limit_key)
    select id, $1, epoch, lane, queue, priority, due, unique_key, fingerprint, options::jsonb, payload::json, payload_bytes, group_name, turn,
      statement_timestamp() + commit_within_ms * interval '1 millisecond', nullif(fair, false), limit_key
    from item where (given is not true or id in (select id from noted)) order by sorted
    on conflict do nothing
    returning id, lane, queue, priority, run_at, epoch, group_name, seq, commit_by, fair, limit_key),
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
    select distinct on (s.group_name, s.queue) s.id from stored s join begun b on b.group_name = s.group_name and b.queue = s.queue
    where s.seq is not null and not b.halted order by s.group_name, s.queue, s.seq),
  blocked as (
    insert into simple_queue.blocked (group_name, shard, queue, seq, id, lane, epoch)
    select group_name, $1, queue, seq, id, lane, epoch from stored where seq is not null and id not in (select id from turned)),
  free as materialized (select * from stored where seq is null or id in (select id from turned)),
  staged as (
    insert into simple_queue.staged (id, shard, lane, epoch)
    select id, $1, lane, epoch from free where commit_by is not null),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is null and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is null and fair),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from free where commit_by is null and run_at > statement_timestamp()),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from free where commit_by is null and run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from keyed) k)
  select id, null as mixed from stored union all select null, group_name from mixed
  union all select null, null where not exists (select from known);
