-- $1 smallint, $2 bigint
prepare take_undo as
delete from simple_queue.arrival where kind = 'undo' and shard = $1 and id = any(array(
    select a.id from simple_queue.arrival a where a.kind = 'undo' and a.shard = $1 and a.id > $2::bigint and not exists (
      select from simple_queue.arrival s where s.kind = 'stop' and s.shard = $1 and s.workflow = a.workflow)
    order by a.id limit 1 for update skip locked))
  returning id::text, workflow;
