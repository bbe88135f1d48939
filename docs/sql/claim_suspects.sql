-- $1 smallint, $2 uuid, $3 integer[], $4 integer[], $5 smallint, $6 smallint, $7 uuid, $8 integer
prepare claim_suspects as
with next as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select s.ctid from unnest($3::int[], $4::int[]) q(lane, wanted)
      cross join lateral (
        select ctid from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion >= $5::smallint and suspicion <= $6::smallint
        order by suspicion, run_at, id limit q.wanted for update skip locked) s
      limit $8::int))
    returning id, lane, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $7::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane
  from (select * from next order by run_at, id) n cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, case when greatest(pg_column_size(payload), pg_column_size(payload_bytes), pg_column_size(options), pg_column_size(last_error)) > 1000
      then (select case when weight > case when $5::smallint < 3 then greatest(4096, 131072::int / greatest(8, $8::int)) else 2147483647 end then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) else pg_column_size(read) + 2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0) end as weight
          from (select case when coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(payload_bytes), 0) + coalesce(pg_column_size(options), 0) + coalesce(pg_column_size(last_error), 0) <= case when $5::smallint < 3 then greatest(4096, 131072::int / greatest(8, $8::int)) else 2147483647 end then array[payload] end as read offset 0) r offset 0) w) end as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j;
