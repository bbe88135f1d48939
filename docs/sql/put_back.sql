-- $1 smallint, $2 uuid[], $3 integer[], $4 jsonb
prepare put_back as
with held as materialized (
    select j.id, j.cancel_at from unnest($2::uuid[], $3::int[]) u(id, epoch)
    cross join lateral (select id, cancel_at from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j),
  moved as (
    update simple_queue.job set
      epoch = epoch + 1,
      run_at = greatest(statement_timestamp() + case when reschedules >= 100 and ($4::jsonb -> id::text ->> 'rescheduled')::int > 0
        then interval '1 second' else interval '0' end, coalesce(
        ($4::jsonb -> id::text ->> 'at')::timestamptz,
        statement_timestamp() + ($4::jsonb -> id::text ->> 'delayMs')::float8 * interval '1 millisecond')),
      attempt = attempt + ($4::jsonb -> id::text ->> 'spent')::int,
      reschedules = reschedules + ($4::jsonb -> id::text ->> 'rescheduled')::int,
      options = case when ($4::jsonb -> id::text ->> 'rescheduled')::int > 0
        then jsonb_build_object('rescheduledSince', statement_timestamp()) || coalesce(options, '{}') else options end,
      suspicion = case when ($4::jsonb -> id::text ->> 'ran')::boolean then 0 else suspicion end,
      stalls = case when ($4::jsonb -> id::text ->> 'ran')::boolean then 0 else stalls end,
      last_error = coalesce($4::jsonb -> id::text -> 'error', last_error),
      history = case when $4::jsonb -> id::text ? 'entry' then
        (case when jsonb_array_length(history) >= 20 then history - 0 else coalesce(history, '[]') end)
        || (($4::jsonb -> id::text -> 'entry') || jsonb_build_object('at', statement_timestamp()))
      else history end
    where shard = $1 and id = any(array(select id from held where cancel_at is null))
    returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from moved where run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair is null),
  fairly as (
    insert into simple_queue.fair_ready (lane, shard, group_name, priority, run_at, id, epoch)
    select lane, $1, group_name, priority, run_at, id, epoch from moved where run_at <= statement_timestamp() and limit_key is null and suspicion = 0 and fair),
  scheduled as (
    insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch)
    select run_at, $1, id, lane, priority, epoch from moved where run_at > statement_timestamp()),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from moved where run_at <= statement_timestamp() and limit_key is null and suspicion > 0),
  keyed as (
    insert into simple_queue.keyed (limit_key, shard, queue, priority, run_at, id, lane, epoch)
    select limit_key, $1, queue, priority, run_at, id, lane, epoch from moved where run_at <= statement_timestamp() and limit_key is not null
    returning limit_key, queue),
  unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from moved t cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue),
  changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      select limit_key, queue from unpermitted union all select limit_key, queue from keyed) k)
  select id, cancel_at is null as moved from held;
