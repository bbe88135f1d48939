-- $1 smallint
prepare purge_buckets as
with gone as (
    delete from simple_queue.key_bucket where shard = $1 and ctid = any(array(
      select ctid from simple_queue.key_bucket where shard = $1 and next_at < statement_timestamp() - interval '1 minute'
      order by next_at limit 1000 for update skip locked)) returning 1)
  select count(*)::int as gone from gone;
