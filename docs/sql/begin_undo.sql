-- $1 smallint, $2 uuid, $3 bigint
prepare begin_undo as
with struck as (delete from simple_queue.undo where workflow = $2::uuid and shard = $1 and seq > $3::bigint)
  update simple_queue.undo set begun = true where workflow = $2::uuid and shard = $1 and seq = $3::bigint;
