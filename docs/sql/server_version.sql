-- no parameters
prepare server_version as
select current_setting('server_version_num')::int as version;
