-- $1 text
prepare table_vacuums as
select c.relname::text as name, coalesce(s.n_dead_tup, 0)::float8 as dead, coalesce(s.n_live_tup, 0)::float8 as live,
    age(c.relfrozenxid) as age, current_setting('autovacuum_freeze_max_age')::int as "maxAge",
    (extract(epoch from statement_timestamp() - greatest(s.last_autovacuum, s.last_vacuum)) * 1000)::float8 as "vacuumedMs",
    exists (select from unnest(c.reloptions) o where split_part(o, '=', 1) = 'autovacuum_enabled' and not split_part(o, '=', 2)::boolean) as disabled,
    pg_total_relation_size(c.oid)::float8 as bytes
  from pg_catalog.pg_class c left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
  where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' order by 1;
