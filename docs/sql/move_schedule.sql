-- $1 smallint, $2 text, $3 boolean, $4 timestamp with time zone, $5 timestamp with time zone
prepare move_schedule as
update simple_queue.schedule set paused_at = case when $3 then coalesce(paused_at, statement_timestamp()) end,
    next_at = case when $3 then next_at else $4::timestamptz end
  where name = $2 and shard = $1 and ($3 or next_at is not distinct from $5::timestamptz or (next_at between $5::timestamptz - interval '1 ms' and $5::timestamptz + interval '1 ms')) returning name;
