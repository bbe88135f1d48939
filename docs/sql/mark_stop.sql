-- $1 smallint, $2 uuid, $3 text
prepare mark_stop as
update simple_queue.workflow set stop = case when $3 = 'abandoned' then $3 else coalesce(stop, $3) end
  where id = $2::uuid and shard = $1 and (state = 'running' and ($3::text is not null or open = 0) or $3 = 'abandoned' and state in ('compensating', 'stuck')) returning state;
