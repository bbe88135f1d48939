import { statement } from '../connection/statement.js';
import { FLOW, UNHEARD } from './compensate.sql.js';

/** Thousands of stages are looked up one by one, and a planner that knows nothing of them would compare each with each. */
const mapOf = (key: string, value: string): string =>
  `coalesce(jsonb_object_agg(${key}, ${value}), '{}')`;

/**
 * Jobs that wait again, under other ids: those of callbacks of a batch that were called (`again`), and what failed behind a stage that runs or waits
 * again itself. Both are maps: a list of 100,000 edges has no room in a small work_mem, and each would be compared with each.
 */
export const FIND_AGAIN = statement(
  'find_again',
  `with lost as materialized (
    select ${mapOf('n', '0')} as stages from simple_queue.stage where workflow = $2 and shard = $1 and (failed > 0 or skipped)),
  behind as materialized (
    select ${mapOf('downstream', '0')} as stages from simple_queue.edge where workflow = $2 and shard = $1 and (select stages from lost) ? upstream::text)
  select t.id, t.stage, s.again from simple_queue.stage s join simple_queue.step t on t.workflow = s.workflow and t.shard = $1 and t.stage = s.n
  where s.workflow = $2 and s.shard = $1 and not s.skipped and (s.again and t.state is distinct from 'skipped'
    or s.failed > 0 and t.state in ('failed', 'cancelled') and (select stages from behind) ? s.n::text)`,
);

/** They wait again, as what was skipped does; what has succeeded of a step ($3) is not made again. */
export const WAIT_AGAIN = statement(
  'wait_again',
  `with stages as (
    update simple_queue.stage set skipped = true where workflow = $2 and shard = $1 and (again or n = any($3::int[])) returning n, again),
  past as (
    delete from simple_queue.draft d where workflow = $2 and shard = $1 and stage = any($3)
      and (select state from simple_queue.step t where t.id = d.id and t.shard = $1) = 'succeeded')
  update simple_queue.step t set state = 'skipped' from stages s
  where t.workflow = $2 and t.shard = $1 and t.stage = s.n and (s.again or t.state <> 'succeeded')`,
);

/** The jobs of a workflow that did not succeed and had begun. */
export const FIND_FAILED_STEPS = statement(
  'find_failed_steps',
  `select id from simple_queue.step where workflow = $2::uuid and shard = $1 and state in ('failed', 'cancelled') and stage >= 0 order by stage, item`,
);

/** Which of these jobs are there still, live or ended. */
export const FIND_KEPT_STEPS = statement(
  'find_kept_steps',
  `select u.id from unnest($2::uuid[]) u(id)
  where exists (select from simple_queue.job j where j.id = u.id and j.shard = $1 offset 0)
    or exists (select from simple_queue.archive a where a.id = u.id and a.shard = $1 offset 0)
    or exists (select from simple_queue.dead_letter d where d.id = u.id and d.shard = $1 offset 0)`,
);

/** Gives a step another job ($3 by $2): its old one is not kept any more. */
export const RENAME_STEPS = statement(
  'rename_steps',
  `with named as (select * from unnest($2::uuid[], $3::uuid[]) u(id, other)),
  steps as (update simple_queue.step t set id = n.other from named n where t.id = n.id and t.shard = $1),
  drafts as (update simple_queue.draft d set id = n.other from named n where d.id = n.id and d.shard = $1 returning d.id)
  select count(*)::int as renamed from drafts`,
);

/**
 * Under the lock of the workflow: what failed is open again, and what was skipped waits again, for what has not succeeded. A stage that waits for
 * nothing begins; one that waited for a failure of what has succeeded is skipped again. What was still asked of the attempt before is over. Where all
 * had succeeded, and only the stop stood against it, the attempt has succeeded with this.
 */
export const RETRY_WORKFLOW = statement(
  'retry_workflow',
  `with stale as (
    delete from simple_queue.arrival where shard = $1 and kind in ('begin', 'skip', 'stop') and id = any(array(
      select id from simple_queue.arrival where shard = $1 and kind in ('begin', 'skip', 'stop') and workflow = $2::uuid order by id limit 10000
      for update skip locked))),
  again as (
    update simple_queue.step set state = null, output = null, error = null, ended_at = null
    where workflow = $2::uuid and shard = $1 and state in ('failed', 'cancelled', 'skipped') and stage >= 0 returning id, stage),
  ${UNHEARD},
  opened as materialized (select ${mapOf('stage', 'n')} as by_stage from (select stage, count(*) as n from again group by stage) o),
  counts as materialized (
    select s.n, coalesce(((select by_stage from opened) ->> s.n::text)::int, 0) as open from simple_queue.stage s
    where s.workflow = $2::uuid and s.shard = $1 and (s.skipped or (select by_stage from opened) ? s.n::text)),
  counted as materialized (select ${mapOf('n', 'open')} as by_stage from counts),
  edges as materialized (
    select e.downstream, ((select by_stage from counted) ? e.upstream::text)::int as waits, e.condition = 'failed' as fails
    from simple_queue.edge e where e.workflow = $2::uuid and e.shard = $1),
  awaited as materialized (select ${mapOf('downstream', 'waits')} as by_stage from (select downstream, sum(waits) as waits from edges group by downstream) w),
  reopened as (
    update simple_queue.stage s set open = ((select by_stage from counted) ->> s.n::text)::int, failed = 0, skipped = false, begun = s.begun and not s.skipped,
      waits = coalesce(((select by_stage from awaited) ->> s.n::text)::int, 0)
    where s.workflow = $2::uuid and s.shard = $1 and (select by_stage from counted) ? s.n::text
    returning s.n, s.begun, s.waits),
  fresh as materialized (select ${mapOf('n', 'waits')} as by_stage from reopened where not begun),
  broken as materialized (
    select distinct e.downstream as n from edges e where e.waits = 0 and e.fails and (select by_stage from fresh) ? e.downstream::text),
  starting as (
    update simple_queue.workflow set state = case when r.n > 0 then 'running' else 'succeeded' end, stop = null, attempt = attempt + 1, failed = 0,
      ended_at = case when r.n = 0 then statement_timestamp() end,
      expires_at = case when r.n = 0 then statement_timestamp() + keep_ms * interval '1 millisecond' end,
      deadline_at = statement_timestamp() + deadline_ms * interval '1 millisecond', open = r.n
    from (select count(*)::int as n from reopened) r where id = $2::uuid and shard = $1 returning ${FLOW}),
  left_over as (
    insert into simple_queue.arrival (shard, kind, workflow, stage)
    select $1, case when n in (select n from broken) then 'skip' else 'begin' end, $2::uuid, n from reopened
    where not begun and (waits = 0 or n in (select n from broken)) returning kind, stage)
  select * from starting`,
);

/** Stages of which the arrival says that they begin are begun, as a statement that lowers them would say. */
export const BEGIN_STAGES = statement(
  'begin_stages',
  `update simple_queue.stage set begun = true where workflow = $2::uuid and shard = $1 and n = any(array(
    select stage from simple_queue.arrival where kind = 'begin' and shard = $1 and workflow = $2::uuid))`,
);
