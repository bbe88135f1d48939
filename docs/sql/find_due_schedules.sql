-- $1 smallint, $2 integer, $3 integer
prepare find_due_schedules as
select (extract(epoch from statement_timestamp()) * 1000)::float8 as now,
    (select (extract(epoch from next_at) * 1000)::float8 from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at > '-infinity' order by next_at limit 1) as "soonest",
    (select waiting from simple_queue.schedule where shard = $1 and waiting > 0 order by waiting desc limit 1) is not null as waits, d.*
  from (values (1)) one left join lateral (
    (select s.name, s.owner, s.spec, s.payload::text as payload, s.hash, s.declared, s.waiting,
    (extract(epoch from s.created_at) * 1000)::float8 as "createdAt", (extract(epoch from s.paused_at) * 1000)::float8 as "pausedAt", (extract(epoch from s.next_at) * 1000)::float8 as "nextAt", (extract(epoch from s.last_at) * 1000)::float8 as "lastAt",
    exists (select from simple_queue.lease l where l.id = s.seen_by and l.shard = $1 and l.expires_at > statement_timestamp()) as alive,
    (s.announced_at is not null and s.announced_at > statement_timestamp() - interval '5 minutes' or exists (
      select from simple_queue.lease l where l.shard = $1 and s.name = any(l.schedules) and l.expires_at > statement_timestamp())) as "isDeclared", null::float8 as "waitingAt" from simple_queue.schedule s
      where s.shard = $1 and s.paused_at is null and s.next_at <= statement_timestamp() order by s.next_at offset $2::int limit 100)
    union all
    (select s.name, s.owner, s.spec, s.payload::text as payload, s.hash, s.declared, s.waiting,
    (extract(epoch from s.created_at) * 1000)::float8 as "createdAt", (extract(epoch from s.paused_at) * 1000)::float8 as "pausedAt", (extract(epoch from s.next_at) * 1000)::float8 as "nextAt", (extract(epoch from s.last_at) * 1000)::float8 as "lastAt",
    exists (select from simple_queue.lease l where l.id = s.seen_by and l.shard = $1 and l.expires_at > statement_timestamp()) as alive,
    (s.announced_at is not null and s.announced_at > statement_timestamp() - interval '5 minutes' or exists (
      select from simple_queue.lease l where l.shard = $1 and s.name = any(l.schedules) and l.expires_at > statement_timestamp())) as "isDeclared", coalesce((select (extract(epoch from min(at)) * 1000)::float8 from simple_queue.tick t
        where t.schedule = s.name and t.shard = $1 and t.outcome = 'waiting'), '-infinity') as "waitingAt"
      from (select * from simple_queue.schedule where shard = $1 and waiting > 0 order by waiting desc offset 0) s
      where s.paused_at is null and not exists (select j.id from pg_catalog.unnest(s.jobs) u(id)
        cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 offset 0) j) offset $3::int limit 100)) d on true;
