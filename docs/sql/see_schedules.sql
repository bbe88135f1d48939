-- $1 smallint, $2 text[], $3 text[], $4 uuid
prepare see_schedules as
update simple_queue.schedule set seen_by = $4::uuid
  where shard = $1 and name = any($2::text[]) and hash = any($3::text[]) and declared
    and not exists (select from simple_queue.lease l where l.id = seen_by and l.shard = $1 and l.expires_at > statement_timestamp());
