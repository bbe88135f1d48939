-- $1 text, $2 boolean
prepare pause_queue as
update simple_queue.queue set paused_at = case when $2::boolean then coalesce(paused_at, statement_timestamp()) end
  where name = $1 returning id;
