-- $1 smallint, $2 integer, $3 text
prepare take_turn as
select v.group_name as "group", v.queue, true as free from simple_queue.vacant v
  where v.queue = $2::int and v.shard = $1 and v.group_name = $3 and not exists (select from simple_queue.head x where x.queue = v.queue and x.shard = $1 and x.halts offset 0) for update of v;
