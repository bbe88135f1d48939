-- $1 smallint, $2 double precision, $3 bigint
prepare purge_acts as
with old as materialized (
    select ctid from simple_queue.operator_action
    where shard = $1 and at < greatest(statement_timestamp() - $2::float8 * interval '1 millisecond',
      (select at from simple_queue.operator_action where shard = $1 order by at desc offset $3 limit 1))
    order by at limit 1000 for update skip locked),
  gone as (delete from simple_queue.operator_action where shard = $1 and ctid = any(array(select ctid from old)) returning 1)
  select count(*)::int as purged from gone;
