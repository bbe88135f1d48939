-- no parameters
prepare server_version as
select pg_catalog.current_setting('server_version_num') as version;
