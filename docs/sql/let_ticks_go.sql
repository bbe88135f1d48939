-- $1 smallint, $2 text[]
prepare let_ticks_go as
update simple_queue.tick t set outcome = 'skipped'
  where schedule = any($2::text[]) and shard = $1 and outcome = 'waiting'
    and not exists (select from simple_queue.schedule where name = t.schedule and shard = $1 offset 0);
