-- $1 smallint, $2 uuid
prepare find_again as
with lost as materialized (
    select coalesce(jsonb_object_agg(n, 0), '{}') as stages from simple_queue.stage where workflow = $2 and shard = $1 and (failed > 0 or skipped)),
  behind as materialized (
    select coalesce(jsonb_object_agg(downstream, 0), '{}') as stages from simple_queue.edge where workflow = $2 and shard = $1 and (select stages from lost) ? upstream::text)
  select t.id, t.stage, s.again from simple_queue.stage s join simple_queue.step t on t.workflow = s.workflow and t.shard = $1 and t.stage = s.n
  where s.workflow = $2 and s.shard = $1 and not s.skipped and (s.again and t.state is distinct from 'skipped'
    or s.failed > 0 and t.state in ('failed', 'cancelled') and (select stages from behind) ? s.n::text);
