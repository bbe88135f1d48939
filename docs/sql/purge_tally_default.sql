-- $1 smallint
prepare purge_tally_default as
with gone as (
    delete from simple_queue.tally_default where shard = $1 and ctid = any(array(
      select ctid from simple_queue.tally_default where shard = $1 and expires_at < statement_timestamp()
      order by expires_at limit 1000 for update skip locked)) returning 1)
  select count(*)::int as gone from gone;
