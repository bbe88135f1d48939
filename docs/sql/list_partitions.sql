-- $1 text[]
prepare list_partitions as
select t.name as table, statement_timestamp() as now, array(
    select c.relname::text from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('simple_queue.' || t.name)::regclass) as names
  from pg_catalog.unnest($1::text[]) t(name);
