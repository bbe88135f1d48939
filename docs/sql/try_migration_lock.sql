-- no parameters
prepare try_migration_lock as
select pg_try_advisory_xact_lock(hashtextextended('simple_queue.migrate', 0)) as locked;
