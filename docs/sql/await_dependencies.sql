-- $1 smallint, $2 uuid
prepare await_dependencies as
with page as materialized (
    select id from simple_queue.staged where shard = $1 and id > $2::uuid order by id limit 1000),
  awaiting as (
    insert into simple_queue.arrival (shard, kind, job, more)
    select $1, 'depend', p.id, jsonb_build_object('epoch', j.epoch, 'awaits', j.options -> 'dependsOn') from page p
    cross join lateral (select epoch, options from simple_queue.job where id = p.id and shard = $1 and options ? 'dependsOn' offset 0) j
    where not exists (select from simple_queue.arrival a where a.kind = 'depend' and a.shard = $1 and a.job = p.id)
    returning 1)
  select (select count(*) from awaiting)::int as again, (select id::text from page order by page.id offset 999 limit 1) as last;
