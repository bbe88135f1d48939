-- $1 smallint, $2 text[], $3 integer[]
prepare free_turns as
insert into simple_queue.vacant (group_name, shard, queue)
  select h.group_name, $1, h.queue from unnest($2::text[], $3::int[]) u(group_name, queue)
  cross join lateral (
    select group_name, queue from simple_queue.head
    where group_name = u.group_name and shard = $1 and queue = u.queue and dead is null limit 1) h
  where not exists (select from simple_queue.vacant v
        where v.queue = h.queue and v.shard = $1 and v.group_name = h.group_name offset 0)
      and not exists (
        select from (select seq from simple_queue.job
          where group_name = h.group_name and shard = $1 and queue = h.queue and seq is not null order by seq limit 1) l
        where not exists (select from simple_queue.blocked
          where group_name = h.group_name and shard = $1 and queue = h.queue and seq = l.seq offset 0))
  on conflict do nothing
  returning queue;
