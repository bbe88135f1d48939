-- $1 smallint, $2 uuid[], $3 integer[], $4 text[], $5 text[]
prepare find_unknown_dependency as
select t.id from unnest($2::uuid[], $3::int[], $4::text[], $5::text[]) u(id, queue, unique_key, awaits)
  cross join lateral pg_catalog.jsonb_array_elements_text(u.awaits::jsonb) t(id)
  where not (exists (select from simple_queue.job j where j.id = t.id::uuid and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = t.id::uuid and o.shard = $1 and o.state is null offset 0)
      or exists (select from simple_queue.archive e where e.id = t.id::uuid and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = t.id::uuid and e.shard = $1 offset 0)) and not (exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id and o.shard = $1 and o.state is null offset 0)
      or exists (select from simple_queue.archive e where e.id = u.id and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = u.id and e.shard = $1 offset 0))
    and not exists (select from simple_queue.job k where k.unique_key = u.unique_key and k.shard = $1 and k.queue = u.queue offset 0)
  limit 1;
