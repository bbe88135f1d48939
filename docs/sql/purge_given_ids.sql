-- $1 smallint, $2 double precision
prepare purge_given_ids as
with old as materialized (
    select id, ctid as place from simple_queue.given_id
    where shard = $1 and noted_at > '-infinity' and noted_at < statement_timestamp() - $2::float8 * interval '1 millisecond'
    order by noted_at limit 1000 for update skip locked),
  known as materialized (
    select place from old
    where exists (select from simple_queue.job j where j.id = old.id and j.shard = $1 offset 0)
       or exists (select from simple_queue.archive a where a.id = old.id and a.shard = $1 offset 0)
       or exists (select from simple_queue.dead_letter d where d.id = old.id and d.shard = $1 offset 0)),
  kept as (
    update simple_queue.given_id set noted_at = statement_timestamp()
    where shard = $1 and ctid = any(array(select place from known))),
  gone as (
    delete from simple_queue.given_id
    where shard = $1 and ctid = any(array(select place from old where place not in (select place from known))))
  select count(*)::int as looked from old;
