-- $1 smallint, $2 uuid[]
prepare find_unlocked as
with free as materialized (
    select id from simple_queue.job where shard = $1 and id = any($2::uuid[]) for update skip locked)
  select u.id from pg_catalog.unnest($2::uuid[]) u(id)
  where exists (select from free f where f.id = u.id)
    or not exists (select from simple_queue.job j where j.id = u.id and j.shard = $1);
