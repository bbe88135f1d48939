-- no parameters
prepare session_state as
select pg_catalog.current_setting('default_transaction_isolation') as isolation,
    pg_catalog.current_setting('default_transaction_read_only') as "readOnly",
    pg_catalog.array_to_string(pg_catalog.current_schemas(true), ',') as searched;
