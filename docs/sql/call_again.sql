-- $1 smallint, $2 uuid
prepare call_again as
with stages as (
    update simple_queue.stage set skipped = true where workflow = $2::uuid and shard = $1 and again returning n)
  update simple_queue.step set state = 'skipped', output = null, error = null
  where workflow = $2::uuid and shard = $1 and stage = any(array(select n from stages));
