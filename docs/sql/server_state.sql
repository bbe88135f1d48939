-- no parameters
prepare server_state as
select current_setting('server_version_num')::int as version, current_setting('server_version') as "versionText",
    statement_timestamp() as now, pg_catalog.pg_is_in_recovery()
      or (select setting = 'on' and source not in ('user', 'database user') from pg_catalog.pg_settings where name = 'default_transaction_read_only') as "readOnly",
    current_setting('server_encoding') as encoding, current_setting('fsync') = 'on' as fsync, current_setting('full_page_writes') = 'on' as "fullPageWrites",
    current_setting('autovacuum') = 'on' and current_setting('track_counts') = 'on' as autovacuum,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int as "maxConnections",
    (select sum(numbackends) from pg_catalog.pg_stat_database)::int as connections;
