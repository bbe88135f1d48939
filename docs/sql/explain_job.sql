-- $1 smallint, $2 uuid, $3 integer
prepare explain_job as
with found as materialized (
    select id, queue, name, state, attempt, stalls, run_at, cancel_at, finished_at, worker, last_error
    from simple_queue.jobs where id = $2::uuid order by finished_at desc nulls first limit 1),
  own as materialized (
    select lane, queue, epoch, priority, run_at, suspicion, fair, group_name from simple_queue.job where id = $2::uuid and shard = $1),
  held as materialized (
    select c.lease, c.created_at from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    where c.shard = $1 and $2::uuid = any(c.jobs) and u.id = $2::uuid and u.epoch = (select epoch from own) limit 1),
  live as materialized (
    select id, worker, lanes, about from simple_queue.lease where shard = $1 and expires_at > statement_timestamp())
  select f.state, coalesce(f.queue, 'unknown') as queue, f.name, f.attempt, f.stalls, f.run_at as "runAt", f.cancel_at as "cancelAt", f.finished_at as "finishedAt",
    f.worker, f.last_error as "lastError", v.suspicion, v.fair, n.labels, h.created_at as "heldSince", (select w.worker from live w where w.id = h.lease) as holder,
    (select paused_at from simple_queue.queue q where q.id = v.queue) as "pausedAt",
    (select count(*) from live)::int as workers,
    (select count(*) from live where cardinality(lanes) >= 10000)::int as "fullWorkers",
    greatest((select count(*) from live w where v.lane = any(w.lanes)), n.pulled::int)::int as "workersOfLane",
    (select jsonb_agg(jsonb_build_object('worker', w.worker, 'slots', f.slots, 'oldestMs', f."oldestMs", 'id', f.ids[1]) order by f."oldestMs" desc)
      from live w cross join lateral jsonb_to_recordset(coalesce(w.about -> 'full', '[]')) f
      (lanes int[], slots int, "oldestMs" float8, "youngestMs" float8, over boolean, timed boolean, held int[], ids text[])
    cross join lateral (select coalesce(f.lanes, w.lanes) as waits) x where v.lane = any(x.waits)) as "full",
    (select count(*) from (
      (select 1 from simple_queue.ready r where r.lane = v.lane and r.shard = $1
        and (r.priority, r.run_at, r.id) < (v.priority, v.run_at, $2::uuid) limit $3::int + 1) union all
      (select 1 from simple_queue.fair_ready r where v.fair and r.lane = v.lane and r.shard = $1 and r.group_name = v.group_name
        and (r.priority, r.run_at, r.id) < (v.priority, v.run_at, $2::uuid) limit $3::int + 1)) w)::int as ahead
  from found f left join own v on true
  left join lateral (select l.labels, coalesce(l.pulled_at > statement_timestamp() - interval '5 minutes', false) as pulled from simple_queue.lane l where l.id = v.lane offset 0) n on true left join held h on true;
