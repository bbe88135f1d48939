-- $1 smallint, $2 integer, $3 integer[], $4 text[]
prepare take_vacant as
with recursive hop(queue, n) as (
    (select queue, 1 from simple_queue.vacant where queue > $2::int and shard = $1 order by queue limit 1)
    union all
    select v.queue, h.n + 1 from hop h cross join lateral (
      select queue from simple_queue.vacant where queue > h.queue and shard = $1 order by queue limit 1) v),
  page as materialized (
    select q.queue, t.group_name from hop q
    cross join lateral (
      select exists (select from simple_queue.head x where x.queue = q.queue and x.shard = $1 and x.halts offset 0) as halted,
        (select b.behind from unnest($3::int[], $4::text[]) b(queue, behind) where b.queue = q.queue limit 1) as behind
      offset 0) b
    left join lateral (
      select v.group_name from simple_queue.vacant v
      where v.queue = q.queue and v.shard = $1 and v.group_name >= coalesce(b.behind, '') and v.group_name is distinct from b.behind and not b.halted
      order by v.group_name limit 200 for update of v skip locked) t on true
    limit 200)
  select group_name as "group", queue, group_name is not null and (pg_try_advisory_xact_lock_shared(pg_catalog.hashtextextended('simple_queue.groups:' || queue::text, 0)) and pg_try_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.' || queue::text || ' ' || group_name, 0))) as free
  from page;
