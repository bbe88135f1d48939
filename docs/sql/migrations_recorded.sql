-- no parameters
prepare migrations_recorded as
select count(*)::int as recorded from simple_queue.migration where name like 'SimpleQueue%';
