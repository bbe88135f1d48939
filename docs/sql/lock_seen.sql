-- $1 text
prepare lock_seen as
select pg_advisory_xact_lock(hashtextextended('simple_queue.seen:' || $1::text, 0));
