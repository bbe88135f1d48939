-- $1 smallint, $2 uuid[], $3 text[]
prepare purge_ended as
with undead as (
    delete from simple_queue.dead_letter where shard = $1 and id = any($2::uuid[]) and state = any($3::text[])
    returning id, lane, options),
  stopped as materialized (
    select h.ctid from undead d left join simple_queue.lane l on l.id = d.lane
    cross join lateral (
      select ctid from simple_queue.head
      where group_name = coalesce(d.options ->> 'group', '') and shard = $1 and queue = coalesce(l.queue, (select b.queue from simple_queue.head b where b.group_name = coalesce(d.options ->> 'group', '') and b.shard = $1 and b.dead = d.id limit 1)) and dead = d.id limit 1 for update) h
    where d.options ? 'ordered'),
  freed as (
    update simple_queue.head set dead = null, dead_seq = null, dead_at = null, dead_until = null, halts = false
    where shard = $1 and ctid = any(array(select ctid from stopped)) returning group_name, queue),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue) select group_name, $1, queue from freed),
  unkept as (
    delete from simple_queue.archive where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) returning id)
  select (select count(*) from undead)::int + (select count(*) from unkept)::int as purged;
