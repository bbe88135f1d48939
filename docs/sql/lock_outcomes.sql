-- no parameters
prepare lock_outcomes as
select pg_advisory_xact_lock(hashtextextended('simple_queue.outcomes', 0));
