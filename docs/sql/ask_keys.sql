-- $1 smallint, $2 integer, $3 text, $4 integer
prepare ask_keys as
with recursive hop(limit_key, queue, n) as (
    select k.*, 1 from (
      (select limit_key, queue from simple_queue.keyed where limit_key = $3::text and shard = $1 and queue > $4::int order by queue limit 1)
      union all
      (select limit_key, queue from simple_queue.keyed where limit_key > $3::text and shard = $1 order by limit_key, queue limit 1)
      limit 1) k
    union all
    select k.*, h.n + 1 from hop h cross join lateral (
      (select limit_key, queue from simple_queue.keyed where limit_key = h.limit_key and shard = $1 and queue > h.queue order by queue limit 1)
      union all
      (select limit_key, queue from simple_queue.keyed where limit_key > h.limit_key and shard = $1 order by limit_key, queue limit 1)
      limit 1) k where h.n < $2::int),
  asked as (
    insert into simple_queue.key_change (shard, limit_key, queue) select $1, limit_key, queue from hop)
  select limit_key as key, queue, n from hop order by n desc limit 1;
