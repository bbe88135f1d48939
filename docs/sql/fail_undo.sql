-- $1 smallint, $2 uuid, $3 jsonb
prepare fail_undo as
insert into simple_queue.arrival (shard, kind, job, state, error) values ($1, 'end', $2::uuid, 'failed', $3::jsonb);
