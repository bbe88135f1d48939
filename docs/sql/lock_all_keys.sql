-- $1 integer
prepare lock_all_keys as
select pg_advisory_xact_lock(hashtextextended('simple_queue.keys:' || $1::int, 0));
