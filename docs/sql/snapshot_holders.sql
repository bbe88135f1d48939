-- no parameters
prepare snapshot_holders as
select pid, usename::text as role, application_name as application, state, lower(substring(query from '^\s*([A-Za-z]+)')) as verb,
    greatest(age(backend_xmin), age(backend_xid)) as transactions,
    (extract(epoch from statement_timestamp() - xact_start) * 1000)::float8 as "openMs"
  from pg_catalog.pg_stat_activity s
  where (datname = current_database() or datname is null) and pid <> pg_backend_pid() and (backend_xmin is not null or backend_xid is not null)
    and usesysid is not null and (xact_start is not null or backend_xid is not null
      or not exists (select from pg_catalog.pg_stat_activity o where age(o.backend_xid) >= age(s.backend_xmin)))
  order by xact_start nulls last, transactions desc limit 100;
