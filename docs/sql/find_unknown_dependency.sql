-- $1 smallint, $2 uuid[], $3 integer[], $4 text[], $5 text[], $6 text[]
prepare find_unknown_dependency as
select t.id, n.why from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[]) u(id, queue, unique_key, awaits, own)
  cross join lateral (
    select a.id from pg_catalog.jsonb_array_elements_text(u.awaits::jsonb) a(id) union all select u.own where u.own is not null) t(id)
  cross join lateral (select case
    when t.id = u.own then (select 'unkept'::text from simple_queue.queue q where q.id = u.queue and q.policy -> 'archive'::text = 'null'::jsonb)
    when exists (select from simple_queue.job j where j.id = t.id::uuid and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = t.id::uuid and o.shard = $1 and (o.state is not null or o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null))) offset 0)
      or exists (select from simple_queue.archive e where e.id = t.id::uuid and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = t.id::uuid and e.shard = $1 offset 0) then (
      select 'unkept'::text from simple_queue.job j join simple_queue.queue q on q.id = j.queue
      where j.id = t.id::uuid and j.shard = $1 and q.policy -> 'archive'::text = 'null'::jsonb
        and not exists (select from simple_queue.step o where o.id = j.id and o.shard = $1 offset 0))
    when exists (select from simple_queue.workflow w where w.id = t.id::uuid and w.shard = $1) then 'workflow'::text
    when exists (select from simple_queue.step o where o.id = t.id::uuid and o.shard = $1) then 'unused'::text
    else 'unknown'::text end as why offset 0) n
  where n.why is not null and not (exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = u.id and o.shard = $1 and (o.state is not null or o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null))) offset 0)
      or exists (select from simple_queue.archive e where e.id = u.id and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = u.id and e.shard = $1 offset 0))
    and not exists (select from simple_queue.job k where k.unique_key = u.unique_key and k.shard = $1 and k.queue = u.queue offset 0)
  limit 1;
