-- $1 smallint, $2 uuid
prepare begin_stages as
update simple_queue.stage set begun = true where workflow = $2::uuid and shard = $1 and n = any(array(
    select stage from simple_queue.arrival where kind = 'begin' and shard = $1 and workflow = $2::uuid));
