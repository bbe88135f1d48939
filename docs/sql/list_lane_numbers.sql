-- $1 text, $2 text, $3 integer, $4 text
prepare list_lane_numbers as
select l.id from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  where ($1::text is null or q.name = $1) and ($2::text is null or l.name = $2) and ($4::text is null or $4 = any(l.labels)) order by l.id limit $3::int;
