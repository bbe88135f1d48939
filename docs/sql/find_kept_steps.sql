-- $1 smallint, $2 uuid[]
prepare find_kept_steps as
select u.id from unnest($2::uuid[]) u(id)
  where exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
    or exists (select from simple_queue.archive a where a.id = u.id and a.shard = $1 offset 0)
    or exists (select from simple_queue.dead_letter d where d.id = u.id and d.shard = $1 offset 0);
