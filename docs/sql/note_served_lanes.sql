-- $1 integer[]
prepare note_served_lanes as
update simple_queue.lane set served_at = statement_timestamp() where id = any(array(
    select id from simple_queue.lane where id = any($1::int[]) and served_at is null for update skip locked));
