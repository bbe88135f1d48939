-- no parameters
prepare database_time as
select pg_catalog.to_json(statement_timestamp()) #>> '{}'::text[] as now;
