-- $1 smallint, $2 text[]
prepare find_schedules as
select s.name, s.owner, s.spec, s.payload::text as payload, s.hash, s.declared, s.waiting,
    (extract(epoch from s.created_at) * 1000)::float8 as "createdAt", (extract(epoch from s.paused_at) * 1000)::float8 as "pausedAt", (extract(epoch from s.next_at) * 1000)::float8 as "nextAt", (extract(epoch from s.last_at) * 1000)::float8 as "lastAt",
    exists (select from simple_queue.lease l where l.id = s.seen_by and l.shard = $1 and l.expires_at > statement_timestamp()) as alive,
    (s.announced_at is not null and s.announced_at > statement_timestamp() - interval '5 minutes' or exists (
      select from simple_queue.lease l where l.shard = $1 and s.name = any(l.schedules) and l.expires_at > statement_timestamp())) as "isDeclared", (extract(epoch from statement_timestamp()) * 1000)::float8 as now,
    (select t.outcome from simple_queue.tick t where t.schedule = s.name and t.shard = $1 order by t.at desc limit 1) as "lastOutcome"
  from simple_queue.schedule s where s.shard = $1 and s.name = any($2::text[]);
