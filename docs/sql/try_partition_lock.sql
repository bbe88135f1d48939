-- no parameters
prepare try_partition_lock as
select pg_try_advisory_xact_lock(hashtextextended('simple_queue.partitions', 0)) as locked;
