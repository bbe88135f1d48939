-- $1 smallint
prepare purge_rests as
delete from simple_queue.fleet_limit l where shard = $1 and rule = '{}' and set_at is null and held_until < statement_timestamp() - interval '1 minute'
    and not exists (select from simple_queue.allotment where name = l.name and shard = $1 offset 0);
