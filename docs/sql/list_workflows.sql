-- $1 smallint, $2 uuid, $3 text[], $4 text, $5 integer
prepare list_workflows as
select w.id, w.name, w.state, w.attempt, w.stop, w.unique_key as "uniqueKey", w.created_at as "createdAt", w.deadline_at as "deadlineAt",
    w.ended_at as "endedAt", w.jobs, w.open, w.failed from simple_queue.workflow w
  where w.id < $2::uuid and w.shard = $1 and w.state = any($3::text[]) and ($4::text is null or w.name = $4) order by w.id desc limit $5::int;
