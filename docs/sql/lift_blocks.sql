-- $1 smallint
prepare lift_blocks as
with over as materialized (
    select ctid from simple_queue.head where shard = $1 and dead_until <= statement_timestamp()
    order by dead_until limit 200 for update skip locked),
  freed as (
    update simple_queue.head set dead = null, dead_seq = null, dead_at = null, dead_until = null, halts = false
    where shard = $1 and ctid = any(array(select ctid from over)) returning group_name, queue),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from freed)
  select q.name as queue, count(*)::int as groups from freed f join simple_queue.queue q on q.id = f.queue group by q.name;
