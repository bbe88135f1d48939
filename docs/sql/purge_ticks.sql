-- $1 smallint, $2 double precision
prepare purge_ticks as
with old as materialized (
    select ctid from simple_queue.tick
    where shard = $1 and made_at < statement_timestamp() - $2::float8 * interval '1 millisecond' and outcome <> 'waiting'
    order by made_at limit 1000 for update skip locked),
  gone as (delete from simple_queue.tick where shard = $1 and ctid = any(array(select ctid from old)) returning 1)
  select count(*)::int as purged from gone;
