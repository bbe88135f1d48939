-- $1 smallint, $2 uuid, $3 integer, $4 integer, $5 smallint, $6 text, $7 jsonb, $8 json, $9 bytea, $10 text, $11 text
prepare enqueue_one_and_notify as
with stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes,
      epoch, suspicion, stalls, attempt, reschedules, cancel_at, unique_key, last_error, history, group_name, commit_by, progress, limit_key)
    select $2::uuid, $1::smallint, $3::int, $4::int, $5::smallint, statement_timestamp(), $6::text, $7::jsonb, $8::json, $9::bytea,
      ('{0}'::simple_queue.epoch[])[1], ('{0}'::simple_queue.suspicion[])[1], ('{0}'::simple_queue.stalls[])[1], ('{0}'::simple_queue.counter[])[1], ('{0}'::simple_queue.counter[])[1], ('{}'::simple_queue.moment[])[1], ('{}'::simple_queue.tag[])[1], ('{}'::simple_queue.failure[])[1], ('{}'::simple_queue.history[])[1], ('{}'::simple_queue.group_key[])[1], ('{}'::simple_queue.moment[])[1], ('{}'::simple_queue.progress[])[1], ('{}'::simple_queue.tag[])[1] from simple_queue.lane where id = $3 and unused_at is null returning id, run_at, epoch) insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  select $3::int, $1::smallint, $5::smallint, run_at, id, epoch from stored where pg_catalog.pg_notify($10, $11) is not null;
