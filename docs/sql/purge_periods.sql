-- $1 smallint
prepare purge_periods as
with gone as (
    delete from simple_queue.throttle where shard = $1 and ctid = any(array(
      select ctid from simple_queue.throttle where shard = $1 and queue > 0 and ends_at < statement_timestamp()
      order by ends_at limit 1000 for update skip locked)) returning 1)
  select count(*)::int as gone from gone;
