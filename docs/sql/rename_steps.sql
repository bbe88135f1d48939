-- $1 smallint, $2 uuid[], $3 uuid[]
prepare rename_steps as
with named as (select * from unnest($2::uuid[], $3::uuid[]) u(id, other)),
  steps as (update simple_queue.step t set id = n.other from named n where t.id = n.id and t.shard = $1),
  drafts as (update simple_queue.draft d set id = n.other from named n where d.id = n.id and d.shard = $1 returning d.id)
  select count(*)::int as renamed from drafts;
