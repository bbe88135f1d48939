-- $1 smallint, $2 uuid, $3 integer[]
prepare serve_lanes as
update simple_queue.lease set lanes = $3::int[] where id = $2::uuid and shard = $1;
