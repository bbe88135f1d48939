-- $1 smallint, $2 text[], $3 text[], $4 uuid
prepare see_schedules as
update simple_queue.schedule set seen_by = coalesce($4::uuid, seen_by), announced_at = case when $4::uuid is null then statement_timestamp() end
  where shard = $1 and name = any($2::text[]) and hash = any($3::text[]) and declared
    and ($4::uuid is null or announced_at is not null or not exists (
      select from simple_queue.lease l where l.id = seen_by and l.shard = $1 and l.expires_at > statement_timestamp()));
