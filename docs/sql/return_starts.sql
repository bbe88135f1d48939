-- $1 smallint, $2 text, $3 integer, $4 timestamp with time zone
prepare return_starts as
update simple_queue.fleet_limit set next_at = next_at - $3::int * step_ms * interval '1 millisecond'
  where name = $2 and shard = $1 and rate is not null and next_at = $4::timestamptz;
