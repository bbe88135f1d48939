-- $1 smallint, $2 bigint
prepare take_adding as
delete from simple_queue.arrival where kind = 'add' and shard = $1 and id = any(array(
    select id from simple_queue.arrival where kind = 'add' and shard = $1 and id > $2::bigint order by id limit 1 for update skip locked))
  returning id::text, job, output, more, workflow, stage;
