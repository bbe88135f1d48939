-- $1 smallint, $2 uuid[], $3 boolean[]
prepare find_returning as
select k.id from unnest($2::uuid[], $3::boolean[]) k(id, made) where case
    when k.made or exists (select from simple_queue.given_id g where g.id = k.id and g.shard = $1 offset 0)
    then (exists (
        select from simple_queue.arrival a join simple_queue.job j on j.id = a.job and j.shard = $1
          and j.epoch = (a.more ->> 'epoch'::text)::int and j.commit_by is not null
        where a.kind = 'depend' and a.shard = $1 and a.more -> 'awaits'::text ? k.id::text)
      or exists (
        select from simple_queue.arrival a join simple_queue.step o on o.id = a.job and o.shard = $1
        where a.kind = 'wait' and a.shard = $1 and o.awaits = k.id))
      and not (exists (select from simple_queue.job j where j.id = k.id and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = k.id and o.shard = $1 and (o.state is not null or o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null))) offset 0)
      or exists (select from simple_queue.archive e where e.id = k.id and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = k.id and e.shard = $1 offset 0)) end
  limit 1;
