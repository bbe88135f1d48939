-- $1 integer[]
prepare note_pulled_lanes as
update simple_queue.lane set pulled_at = statement_timestamp() where id = any(array(
    select id from simple_queue.lane where id = any($1::int[]) for update skip locked));
