-- no parameters
prepare tables_name as
select pg_catalog.concat_ws('/', pg_catalog.obj_description('simple_queue.given_id'::regclass, 'pg_class'), pg_catalog.current_database()) as name;
