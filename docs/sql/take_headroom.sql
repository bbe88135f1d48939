-- $1 smallint, $2 integer, $3 integer, $4 integer, $5 integer
prepare take_headroom as
update simple_queue.headroom set free = free - $4::int
  where queue = $2::int and shard = $1 and most = $3::int and free >= $4::int and counted_at > statement_timestamp() - interval '1 second'
    and exists (select from simple_queue.lane where id = $5::int and unused_at is null)
  returning 1;
