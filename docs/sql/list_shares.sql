-- $1 smallint, $2 text[], $3 uuid
prepare list_shares as
with asked as materialized (
    select j.lane, q.name from (select lane, queue from simple_queue.job where id = $3::uuid and shard = $1) j
    cross join lateral (select name from simple_queue.queue where id = j.queue) q)
  select l.name, l.of_queue as "ofQueue", l.concurrency, l.rate, l.per_ms as "perMs", l.burst, l.strict, l.rule, l.set_at as "setAt", l.version,
    coalesce(greatest(0, extract(epoch from held_until - statement_timestamp()) * 1000)::float8, 0) as "heldMs", coalesce(greatest(0, (extract(epoch from case when next_at > statement_timestamp() + (burst * step_ms + 1000) * interval '1 millisecond'
      then statement_timestamp() + (burst - 1) * step_ms * interval '1 millisecond' else greatest(statement_timestamp(), next_at) end - statement_timestamp()) * 1000)::float8 - (burst - 1) * step_ms), 0) as "rateMs", statement_timestamp() as "seenAt", l.allotted, coalesce(s.shares, '[]') as shares
  from simple_queue.fleet_limit l left join lateral (
    select json_agg(json_build_object('holder', coalesce(e.worker, a.holder, 'a process that is gone'), 'n', a.n, 'wanted', a.wanted,
      'declares', a.declares, 'lanes', a.lanes, 'live', coalesce(coalesce(a.expires_at, e.expires_at) > statement_timestamp(), false), 'jobs', array(
        select u.id from simple_queue.claim c cross join lateral unnest(c.jobs) u(id)
        where c.shard = $1 and c.lease = a.lease and (a.lanes = '{}' or exists (
          select from simple_queue.job j where j.id = u.id and j.shard = $1 and j.lane = any(a.lanes))) limit 3)) order by a.n desc) as shares
    from simple_queue.allotment a left join simple_queue.lease e on e.id = a.lease and e.shard = $1
    where a.name = l.name and a.shard = $1 and (a.expires_at is null or a.wanted > 0)) s on true
  where l.shard = $1 and (coalesce(l.concurrency, l.rate) is not null or l.set_at is not null or l.held_until > statement_timestamp()) and ($2::text[] is null or l.name = any($2)) and ($3::uuid is null or exists (
    select from asked k where l.of_queue and l.name = k.name or exists (
      select from simple_queue.allotment a where a.name = l.name and a.shard = $1 and k.lane = any(a.lanes))))
  order by l.name limit 1000;
