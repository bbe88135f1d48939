-- $1 smallint, $2 integer[], $3 uuid, $4 integer, $5 text
prepare list_running as
select u.id from (
    select u.id, u.epoch from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
    where c.shard = $1 and ($5::text is null or c.lease in (select id from simple_queue.lease where shard = $1 and worker = $5))
      and u.id > $3::uuid order by u.id offset 0) u
  cross join lateral (select lane from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
  where $2::int[] is null or j.lane = any($2::int[]) order by u.id limit $4::int;
