-- $1 smallint, $2 text, $3 text
prepare release_group as
with stopped as materialized (
    select ctid, dead from simple_queue.head
    where group_name = $3 and shard = $1 and queue = (select id from simple_queue.queue where name = $2) and dead is not null
    limit 1 for update),
  freed as (
    update simple_queue.head set dead = null, dead_seq = null, dead_at = null, dead_until = null, halts = false
    where shard = $1 and ctid = any(array(select ctid from stopped)) returning group_name, queue),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from freed)
  select dead as id from stopped;
