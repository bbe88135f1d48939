-- $1 text, $2 text, $3 integer
prepare list_enqueued as
select * from (
    select * from simple_queue.jobs where ($1::text is null or queue = $1) and ($2::text is null or name = $2)
    order by created_at desc, id desc limit $3::int) newest order by created_at, id;
