-- $1 integer, $2 text[]
prepare lock_keys as
select pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.keys:' || $1::int::text, 0))
  union all
  select pg_advisory_xact_lock(k.lock) from (
    select distinct pg_catalog.hashtextextended('simple_queue.key:' || $1::int::text || ':' || u.unique_key, 0) as lock
    from pg_catalog.unnest($2::text[]) u(unique_key) order by 1) k;
