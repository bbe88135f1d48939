-- $1 smallint, $2 text[], $3 text
prepare remove_schedules as
delete from simple_queue.schedule s where s.shard = $1 and s.name = any($2::text[]) and ($3::text is null or s.owner = $3)
    and not (s.declared and (s.announced_at is not null and s.announced_at > statement_timestamp() - interval '5 minutes' or exists (
      select from simple_queue.lease l where l.shard = $1 and s.name = any(l.schedules) and l.expires_at > statement_timestamp()))) returning s.name;
