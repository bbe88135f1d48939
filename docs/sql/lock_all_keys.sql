-- $1 integer
prepare lock_all_keys as
select pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.keys:' || $1::int::text, 0));
