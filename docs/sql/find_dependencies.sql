-- $1 smallint, $2 uuid
prepare find_dependencies as
select more -> 'awaits' as awaits from simple_queue.arrival where kind = 'depend' and shard = $1 and job = $2::uuid order by id desc limit 1;
