-- $1 smallint, $2 uuid[], $3 integer[], $4 integer[], $5 smallint[], $6 timestamp with time zone[], $7 double precision[], $8 text[], $9 text[], $10 text[], $11 text[], $12 bytea[], $13 timestamp with time zone, $14 boolean[], $15 integer[]
prepare enqueue as
with known as materialized (
    select where (select count(*) from simple_queue.lane where id = any($15::int[]) and unused_at is null) = pg_catalog.cardinality($15::int[])),
  item as materialized (
    select u.*, greatest(t.now, coalesce(u.at, t.now + u.delay_ms * interval '1 millisecond')) as due,
      case when given then 1000000 + (pg_catalog.uuid_hash_extended(gen_random_uuid(), 0) & 1073741823::bigint)::int else 0 end as epoch
    from (select coalesce($13::timestamptz, statement_timestamp()) as now) t, unnest($2::uuid[], $3::int[], $4::int[], $5::smallint[], $6::timestamptz[], $7::float8[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::bytea[], $14::boolean[])
      u(id, lane, queue, priority, at, delay_ms, unique_key, fingerprint, options, payload, payload_bytes, given)
    where exists (select from known)),
  noted as (
    insert into simple_queue.given_id (id, shard) select id, $1 from item where given order by id
    on conflict do nothing
    returning id),
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, run_at, unique_key, fingerprint, options, payload, payload_bytes)
    select id, $1, epoch, lane, queue, priority, due, unique_key, fingerprint, options::jsonb, payload::json, payload_bytes from item
    where (given is not true or id in (select id from noted))
    on conflict do nothing
    returning id, lane, priority, run_at, epoch),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from stored where run_at <= statement_timestamp()),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from stored where run_at > statement_timestamp())
  select id from stored union all select null::uuid as id where not exists (select from known);
