-- $1 smallint, $2 integer, $3 integer, $4 smallint, $5 uuid[], $6 integer[], $7 integer[], $8 smallint[], $9 text[], $10 text[], $11 text[], $12 bytea[], $13 integer[]
prepare enqueue_plain as
with known as materialized (
    select where (select count(*) from simple_queue.lane where id = any($13::int[]) and unused_at is null) = pg_catalog.cardinality($13::int[])),
  stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    select id, $1, coalesce(lane, $2), coalesce(queue, $3), coalesce(priority, $4), statement_timestamp(), fingerprint,
      options::jsonb, payload::json, payload_bytes
    from unnest($5::uuid[], $6::int[], $7::int[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::bytea[])
      u(id, lane, queue, priority, fingerprint, options, payload, payload_bytes)
    where exists (select from known)),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select coalesce(lane, $2), $1, coalesce(priority, $4), statement_timestamp(), id, 0
    from unnest($5::uuid[], $6::int[], $8::smallint[]) u(id, lane, priority) where exists (select from known))
  select null::uuid as id where not exists (select from known);
