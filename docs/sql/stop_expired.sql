-- $1 smallint
prepare stop_expired as
with late as materialized (
    select id from simple_queue.workflow
    where shard = $1 and deadline_at <= statement_timestamp() and ended_at is null and stop is null
    order by deadline_at limit 100 for update skip locked),
  noted as (
    update simple_queue.workflow set stop = case when state = 'running' then 'expired' end,
      deadline_at = case when state = 'running' then deadline_at end
    where shard = $1 and id = any(array(select id from late)) returning id, state),
  asked as (
    insert into simple_queue.arrival (shard, kind, workflow, state) select $1, 'stop', id, 'expired' from noted where state = 'running' returning 1)
  select (select count(*) from asked)::int as expired,
    (select extract(epoch from deadline_at - statement_timestamp()) * 1000 from simple_queue.workflow
      where shard = $1 and deadline_at > statement_timestamp() and ended_at is null and stop is null order by deadline_at limit 1)::float8 as "nextMs",
    array(select k from unnest(array['end', 'skip', 'add', 'begin', 'stop', 'undo', 'wait', 'depend']) k
      where k = 'stop' and exists (select from asked) or exists (select from simple_queue.arrival where kind = k and shard = $1)) as kinds;
