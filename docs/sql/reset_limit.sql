-- $1 smallint, $2 text, $3 boolean
prepare reset_limit as
update simple_queue.fleet_limit set set_at = case when $3 then set_at end, held_until = null, version = version + 1
  where name = $2 and shard = $1 returning 1;
