-- $1 smallint, $2 bigint
prepare troubled_schedules as
select array(select name from simple_queue.schedule
      where shard = $1 and paused_at is null and next_at is null order by name limit $2) as ended,
    array(select name from simple_queue.schedule s
      where s.shard = $1 and s.declared
        and not (s.announced_at is not null and s.announced_at > statement_timestamp() - interval '5 minutes' or exists (
      select from simple_queue.lease l where l.shard = $1 and s.name = any(l.schedules) and l.expires_at > statement_timestamp()))
        and exists (select from simple_queue.lease l where l.shard = $1 and not l.lone and l.expires_at > statement_timestamp())
      order by s.name limit $2) as undeclared,
    (select count(*) from (select 1 from simple_queue.schedule where shard = $1 limit $2) s)::int as schedules;
