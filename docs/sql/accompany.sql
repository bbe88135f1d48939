-- $1 smallint, $2 uuid, $3 integer
prepare accompany as
update simple_queue.job set suspicion = suspicion + 1
  where id = $2::uuid and shard = $1 and epoch = $3::int and suspicion > 2 and suspicion % 2 = 1;
