-- $1 smallint, $2 text, $3 integer, $4 text
prepare none_waits as
update simple_queue.schedule s set waiting = 0
  where name = $2 and shard = $1 and waiting = $3::int and hash = $4
    and not exists (select from simple_queue.tick t where t.schedule = s.name and t.shard = $1 and t.outcome = 'waiting')
  returning name;
