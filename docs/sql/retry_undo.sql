-- $1 smallint, $2 uuid
prepare retry_undo as
with again as (
    update simple_queue.step set state = null, output = null, error = null, ended_at = null
    where workflow = $2::uuid and shard = $1 and stage < 0 and state in ('failed', 'cancelled') returning id, stage),
  heard as materialized (select coalesce(jsonb_object_agg(id, 0), '{}') as jobs from again),
  unheard as (
    delete from simple_queue.arrival where kind = 'end' and shard = $1 and id = any(array(
      select id from simple_queue.arrival where kind = 'end' and shard = $1 and (select jobs from heard) ? job::text order by id limit 10000
      for update skip locked))),
  reopened as (
    update simple_queue.stage s set open = s.open + a.n, failed = s.failed - a.n from (select stage, count(*)::int as n from again group by stage) a
    where s.workflow = $2::uuid and s.shard = $1 and s.n = a.stage)
  update simple_queue.workflow set state = 'compensating', attempt = attempt + 1 where id = $2::uuid and shard = $1 returning id, name, state, attempt;
