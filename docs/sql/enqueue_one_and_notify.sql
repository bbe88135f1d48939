-- $1 smallint, $2 uuid, $3 integer, $4 integer, $5 smallint, $6 text, $7 jsonb, $8 json, $9 bytea, $10 text, $11 text
prepare enqueue_one_and_notify as
with stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    select $2::uuid, $1::smallint, $3::int, $4::int, $5::smallint, statement_timestamp(), $6::text, $7::jsonb, $8::json, $9::bytea from simple_queue.lane where id = $3 and unused_at is null), readied as (insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  select $3::int, $1::smallint, $5::smallint, statement_timestamp(), $2::uuid, 0 from simple_queue.lane where id = $3 and unused_at is null) select pg_catalog.pg_notify($10, $11) from simple_queue.lane where id = $3 and unused_at is null;
