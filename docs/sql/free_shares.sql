-- $1 smallint
prepare free_shares as
with lost as materialized (
    select a.name, a.lease, a.expires_at from simple_queue.allotment a
    where a.shard = $1 and (a.expires_at is null or a.expires_at < statement_timestamp())
      and not exists (select from simple_queue.lease l where l.id = a.lease and l.shard = $1)
      and not exists (select from simple_queue.claim c where c.lease = a.lease and c.shard = $1)
    limit 100),
  locked as materialized (
    select name from simple_queue.fleet_limit where shard = $1 and name in (select name from lost) order by name for update),
  freed as (
    delete from simple_queue.allotment where shard = $1 and ctid = any(array(
      select s.ctid from lost o join locked k on k.name = o.name
      cross join lateral (
        select ctid from simple_queue.allotment
        where name = o.name and shard = $1 and lease = o.lease and expires_at is not distinct from o.expires_at
        limit 1 for update) s))
    returning name, n),
  sums as materialized (select name, sum(n)::int as n from freed group by name)
  update simple_queue.fleet_limit l set allotted = l.allotted - s.n from sums s where l.name = s.name and l.shard = $1
  returning l.name, s.n;
