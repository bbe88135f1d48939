-- $1 text, $2 text, $3 text[]
prepare look_up_lane as
select l.id, q.id as "queueId", q.name as queue, l.name, l.labels
  from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
  where q.name = $1::text and l.name = $2::text and l.labels operator(pg_catalog.=) $3::text[] and l.unused_at is null;
