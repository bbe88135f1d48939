-- no parameters
prepare database_time as
select to_json(statement_timestamp()) #>> '{}' as now;
