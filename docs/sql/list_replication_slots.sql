-- no parameters
prepare list_replication_slots as
select slot_name::text as name, active, greatest(age(xmin), age(catalog_xmin)) as transactions,
    case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn) end::float8 as "heldBytes"
  from pg_catalog.pg_replication_slots where database is null or database = current_database() order by slot_name limit 20;
