-- no parameters
prepare list_prepared_transactions as
select gid, owner::text as role, (extract(epoch from statement_timestamp() - prepared) * 1000)::float8 as "openMs"
  from pg_catalog.pg_prepared_xacts where database = current_database() order by prepared limit 10;
