-- no parameters
prepare count_dead_letters_written as
select coalesce(sum(pg_catalog.pg_stat_get_tuples_inserted(i.inhrelid)), 0)::float8 as written
  from pg_catalog.pg_inherits i where i.inhparent = 'simple_queue.dead_letter'::regclass;
