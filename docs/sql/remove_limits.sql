-- $1 smallint, $2 text[]
prepare remove_limits as
with locked as materialized (
    select name from simple_queue.fleet_limit where name = any($2::text[]) and shard = $1 order by name for update),
  live as materialized (
    select a.name, coalesce(e.worker, a.holder, 'a call') as holder from simple_queue.allotment a
    left join simple_queue.lease e on e.id = a.lease and e.shard = $1
    where a.name = any($2::text[]) and a.shard = $1 and (a.declares is not null or a.expires_at is not null and a.wanted > 0)
      and coalesce(a.expires_at, e.expires_at) > statement_timestamp()
    order by 1, 2 limit 5),
  shares as (
    delete from simple_queue.allotment
    where name in (select name from locked) and shard = $1 and not exists (select from live)),
  gone as (
    delete from simple_queue.fleet_limit
    where name in (select name from locked) and shard = $1 and not exists (select from live))
  select name, array(select holder from live where name = locked.name) as users from locked;
