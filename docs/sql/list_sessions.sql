-- no parameters
prepare list_sessions as
select usename::text as role, application_name as application, state, count(*)::int as sessions,
    (max(extract(epoch from statement_timestamp() - state_change)) * 1000)::float8 as "restingMs",
    (max(extract(epoch from statement_timestamp() - xact_start)) * 1000)::float8 as "openMs"
  from pg_catalog.pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and (backend_type = 'client backend' or backend_type is null and usename is not null)
  group by 1, 2, 3 order by count(*) desc limit 100;
