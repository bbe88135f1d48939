-- $1 smallint, $2 text, $3 timestamp with time zone, $4 text, $5 uuid, $6 text
prepare note_tick as
update simple_queue.tick set outcome = $4, job = $5::uuid, code = $6 where schedule = $2 and shard = $1 and at = $3::timestamptz;
