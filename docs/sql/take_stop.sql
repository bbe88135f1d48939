-- $1 smallint, $2 bigint
prepare take_stop as
select id::text, workflow, state as stop from simple_queue.arrival
  where kind = 'stop' and shard = $1 and id > $2::bigint order by arrival.id limit 1 for update skip locked;
