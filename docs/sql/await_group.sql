-- $1 integer, $2 text
prepare await_group as
select pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0)), pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0)) from (select $1::int as queue, $2::text as group_name) g;
