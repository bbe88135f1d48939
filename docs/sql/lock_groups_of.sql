-- $1 smallint, $2 uuid[]
prepare lock_groups_of as
with sized as materialized (
    select queue, group_name, count(*) over (partition by queue) as size from (select distinct queue, group_name from simple_queue.job where shard = $1 and id = any($2::uuid[]) and seq is not null) g),
  locked as materialized (
    select case when size > 32 then pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0))::text else pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0))::text end
    from (select distinct queue, size from sized order by queue) q
    union all
    select pg_advisory_xact_lock(key)::text from (
      select distinct pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0) as key from sized where size <= 32 order by 1) k)
  select count(*)::int as locks from locked;
