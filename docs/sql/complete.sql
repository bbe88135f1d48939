-- $1 smallint, $2 uuid, $3 integer, $4 integer, $5 double precision, $6 text, $7 text
prepare complete as
with done as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select id from simple_queue.job where id = $2::uuid and shard = $1 and epoch = $3::int for update)) returning *),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at, finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select id, $1, 'succeeded', lane, priority, attempt + 1, stalls, reschedules, $4::int, created_at, run_at, statement_timestamp(), statement_timestamp() + $5::float8 * interval '1 millisecond', $6, unique_key, fingerprint, options, payload, payload_bytes, $7::text::jsonb, history, progress
    from done where $5::float8 is not null),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from done where seq is not null),
  arrived as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', id, 'succeeded', $7::text::jsonb, null::jsonb
    from done where options ? 'step'::text)
  select id from done;
