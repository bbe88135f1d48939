-- $1 smallint, $2 text, $3 timestamp with time zone, $4 uuid, $5 text
prepare take_waiting_tick as
with target as materialized (
    select s.name from simple_queue.schedule s
    where s.name = $2 and s.shard = $1 and s.waiting > 0 and s.paused_at is null and s.hash = $5 and s.jobs = (select p.jobs from simple_queue.schedule p where p.name = $2 and p.shard = $1) and not exists (select j.id from pg_catalog.unnest(s.jobs) u(id)
        cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 offset 0) j)
    limit 1 for update of s skip locked),
  ticked as (
    update simple_queue.tick set outcome = 'enqueued', job = $4::uuid, made_at = statement_timestamp()
    where schedule = (select name from target) and shard = $1 and at = $3::timestamptz and outcome = 'waiting' returning at),
  moved as (
    update simple_queue.schedule set waiting = waiting - 1, jobs = array[$4::uuid]
    where name = $2 and shard = $1 and exists (select from ticked))
  select at from ticked;
