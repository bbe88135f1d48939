-- no parameters
prepare backend as
select pg_catalog.pg_backend_pid()::text as pid, pg_catalog.inet_client_port()::text as port,
    pg_catalog.current_setting('server_version_num') as version;
