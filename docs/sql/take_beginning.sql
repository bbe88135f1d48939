-- $1 smallint, $2 bigint
prepare take_beginning as
delete from simple_queue.arrival where kind = 'begin' and shard = $1 and id = any(array(
    select id from simple_queue.arrival where kind = 'begin' and shard = $1 and id > $2::bigint order by id limit 1 for update skip locked))
  returning id::text, workflow, stage,
    (select s.again from simple_queue.stage s where s.workflow = arrival.workflow and s.shard = $1 and s.n = arrival.stage) as again;
