-- $1 smallint, $2 uuid
prepare retry_undo as
with again as (
    update simple_queue.step set state = null, output = null, error = null, ended_at = null
    where workflow = $2::uuid and shard = $1 and stage < 0 and state in ('failed', 'cancelled') returning stage),
  reopened as (
    update simple_queue.stage s set open = s.open + a.n, failed = s.failed - a.n from (select stage, count(*)::int as n from again group by stage) a
    where s.workflow = $2::uuid and s.shard = $1 and s.n = a.stage)
  update simple_queue.workflow set state = 'compensating', attempt = attempt + 1 where id = $2::uuid and shard = $1 returning id, name, state, attempt;
