-- $1 smallint, $2 uuid, $3 integer[], $4 uuid
prepare claim_next as
with seen as materialized (
    select s.* from unnest($3::int[]) q(lane) cross join lateral (
      select 'ready' as place, ctid as row, priority, run_at, id from simple_queue.ready
      where lane = q.lane and shard = $1 order by priority, run_at, id limit 1 for update skip locked) s
    union all
    select s.* from unnest($3::int[]) q(lane) cross join lateral (
      select 'fair', ctid, priority, run_at, id from simple_queue.fair_ready
      where lane = q.lane and shard = $1 order by priority, run_at, id limit 1 for update skip locked) s
    union all
    select 'suspect', s.row, j.priority, s.run_at, s.id from unnest($3::int[]) q(lane) cross join lateral (
      select ctid as row, run_at, id from simple_queue.suspect
      where lane = q.lane and shard = $1 order by run_at, id limit 1 for update skip locked) s
    cross join lateral (select priority from simple_queue.job where id = s.id and shard = $1 offset 0) j),
  chosen as materialized (select place, row from seen order by priority, run_at, id limit 1),
  from_ready as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(select row from chosen where place = 'ready'))
    returning id, lane, run_at, epoch),
  from_fair as (
    delete from simple_queue.fair_ready where shard = $1 and ctid = any(array(select row from chosen where place = 'fair'))
    returning id, lane, run_at, epoch),
  from_suspects as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(select row from chosen where place = 'suspect'))
    returning id, lane, run_at, epoch),
  next as (select * from from_ready union all select * from from_fair union all select * from from_suspects),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $4::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  case when j.large[2] is null then j.options else j.options - '{headers,checkpoint}'::text[] end,
  case when j.large is null then j.payload else j.large[1] end,
  case when j.large[2] is null then j.payload_bytes end, case when j.large[2] is null then j.last_error end, j.own_lane
  from next n cross join lateral (select priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error, case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end as own_lane, null::json[] as large
      from simple_queue.job where id = n.id and shard = $1 offset 0) j;
