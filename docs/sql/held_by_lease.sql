-- $1 smallint, $2 uuid, $3 uuid
prepare held_by_lease as
select l.worker, $3::uuid = any(l.jobs) as holds, h.epoch, h.attempt, h.reschedules, h.options, h.lane,
    least(extract(epoch from statement_timestamp() - l.created_at) * 1000, 2147483647)::int as "runMs"
  from simple_queue.lease l left join lateral (
    select u.epoch, j.attempt, j.reschedules, j.options, j.lane
    from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    cross join lateral (select * from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
    where c.id = l.id and c.shard = $1 and u.id = $3::uuid) h on true
  where l.id = $2::uuid and l.shard = $1 and l.jobs is not null for update of l;
