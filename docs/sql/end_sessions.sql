-- $1 integer, $2 double precision, $3 boolean
prepare end_sessions as
with picked as materialized (
    select pid from pg_catalog.pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
      and (pid = $1::int or state like 'idle%' and state_change < statement_timestamp() - $2::float8 * interval '1 millisecond')
    order by state_change limit 1000)
  select count(*)::int as sessions from picked where not $3::boolean or pg_catalog.pg_terminate_backend(pid);
