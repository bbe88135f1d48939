-- $1 smallint, $2 uuid[], $3 uuid[], $4 integer[], $5 uuid[], $6 integer[], $7 integer[], $8 integer[], $9 integer[], $10 smallint[], $11 timestamp with time zone[], $12 uuid[], $13 smallint[], $14 integer, $15 uuid, $16 uuid, $17 integer, $18 text, $19 uuid[], $20 integer[], $21 double precision[], $22 text[]
prepare settle_keep_and_claim as
with first as (
    delete from simple_queue.job where shard = $1 and id = any($2::uuid[]) and epoch = 0 returning id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload,
      payload_bytes, history, progress),
  again as (
    delete from simple_queue.job where shard = $1 and id = any(array(
      select j.id from unnest($3::uuid[], $4::int[]) u(id, epoch)
      cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch for update) j))
    returning id, lane, priority, attempt, stalls, reschedules, created_at, run_at, unique_key, fingerprint, options, payload,
      payload_bytes, history, progress),
  done as (select id from first union all select id from again),
  kept as (
    insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, run_ms, created_at, run_at,
      finished_at, expires_at, worker, unique_key, fingerprint, options, payload, payload_bytes, output, history, progress)
    select d.id, $1, 'succeeded', d.lane, d.priority, d.attempt + 1, d.stalls, d.reschedules, k.run_ms, d.created_at, d.run_at,
      statement_timestamp(), statement_timestamp() + k.keep_ms * interval '1 millisecond', $18, d.unique_key, d.fingerprint,
      d.options, d.payload, d.payload_bytes, k.output::jsonb, d.history, d.progress
    from unnest($19::uuid[], $20::int[], $21::float8[], $22::text[]) k(id, run_ms, keep_ms, output)
    join (select * from first union all select * from again) d on d.id = k.id),
  ended as (
    delete from simple_queue.claim where shard = $1 and id = any($5::uuid[])),
  next as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(
      select s.ctid from unnest($6::int[], $7::int[], $8::int[], $9::int[]) q(lane, wanted, lo, hi)
      cross join lateral (
        select r.ctid from unnest(($10::smallint[])[q.lo:q.hi], ($11::timestamptz[])[q.lo:q.hi], ($12::uuid[])[q.lo:q.hi],
                                  ($13::smallint[])[q.lo:q.hi]) h(priority, run_at, id, upto)
        cross join lateral (
          select ctid from simple_queue.ready
          where lane = q.lane and shard = $1 and (priority, run_at, id) > (h.priority, h.run_at, h.id) and priority <= h.upto
          order by priority, run_at, id limit q.wanted for update skip locked) r
        limit q.wanted) s
      limit $14::int))
    returning id, lane, priority, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $15::uuid, $1, $16::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane
    from (select * from next order by priority, run_at, id) n
    cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > greatest(4096, $17::int / greatest(8, $14::int)) then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= greatest(4096, $17::int / greatest(8, $14::int)) then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j union all
  select u.id, -1, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null from unnest($2::uuid[] || $3::uuid[]) u(id)
    where (select count(*) from done) < cardinality($2::uuid[]) + cardinality($3::uuid[])
      and not exists (select from done d where d.id = u.id);
