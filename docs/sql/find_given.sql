-- $1 smallint, $2 uuid[]
prepare find_given as
select u.id, exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step t where t.id = u.id and t.shard = $1 offset 0) as live,
    (select g.xmin::text from simple_queue.given_id g where g.id = u.id and g.shard = $1 offset 0) as version
  from pg_catalog.unnest($2::uuid[]) u(id);
