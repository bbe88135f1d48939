-- no parameters
prepare list_room as
select 'the server' as of, (select sum(numbackends) from pg_catalog.pg_stat_database)::int as taken,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int as most
  union all select 'database "' || d.datname || '"', s.numbackends, d.datconnlimit
    from pg_catalog.pg_database d join pg_catalog.pg_stat_database s on s.datid = d.oid
    where d.datname = current_database() and d.datconnlimit > 0
  union all select 'role "' || r.rolname || '"', (select count(*) from pg_catalog.pg_stat_activity where usesysid = r.oid)::int, r.rolconnlimit
    from pg_catalog.pg_roles r where r.rolname = current_user and r.rolconnlimit > 0;
