-- $1 smallint, $2 text
prepare reset_limit as
update simple_queue.fleet_limit set set_at = null, held_until = null, version = version + 1 where name = $2 and shard = $1 returning 1;
