import { statement } from '../connection/statement.js';
import { DUE_BY_STAGE, UNDO_OF_STAGE, UNDONE_OUTPUT, UNDONE_SIZE } from './compensated.sql.js';

const FACTS = `w.id, w.name, w.state, w.attempt, w.stop, w.unique_key as "uniqueKey", w.created_at as "createdAt", w.deadline_at as "deadlineAt",
    w.ended_at as "endedAt", w.jobs`;

/**
 * A workflow, with the stages in their order: what each waits for, and how many of its jobs have ended how. Edges are read once, not by each stage:
 * their key begins with what is before.
 */
export const FIND_WORKFLOW = statement(
  'find_workflow',
  `with ${DUE_BY_STAGE},
  edges as materialized (
    select jsonb_object_agg(downstream, before) as by_stage from (
      select e.downstream, jsonb_agg(jsonb_build_object('name', u.name, 'when', e.condition, 'open', u.open > 0 or not (u.begun or u.skipped)) order by u.n) as before
      from simple_queue.edge e cross join lateral (
        select * from simple_queue.stage where workflow = e.workflow and shard = $1 and n = e.upstream offset 0) u
      where e.workflow = $2::uuid and e.shard = $1 group by e.downstream) d)
  select ${FACTS}, (
    select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'many', s.many, 'jobs', s.jobs, 'open', s.open, 'begun', s.begun, 'skipped', s.skipped,
      'failed', s.failed, 'cancelled', (select count(*) from simple_queue.step t
        where s.failed > 0 and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state = 'cancelled'),
      'error', (select t.error from simple_queue.step t
        where s.failed > 0 and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.error is not null order by t.item limit 1),
      'ids', array(select coalesce(t.awaits, t.id) from simple_queue.step t where t.workflow = s.workflow and t.shard = $1 and t.stage = s.n order by t.item limit 100),
      'after', coalesce((select by_stage from edges) -> s.n::text, '[]'),
      'undo', ${UNDO_OF_STAGE}) order by s.n), '[]')
    from simple_queue.stage s
    where s.workflow = w.id and s.shard = $1 and s.n >= 0) as stages
  from simple_queue.workflow w where w.id = $2::uuid and w.shard = $1`,
);

/** How a workflow has ended; for those who wait. One that is stuck and given up is about to end. */
export const FIND_WORKFLOW_STATES = statement(
  'find_workflow_states',
  `select w.id, case when w.state = 'stuck' and (w.stop = 'abandoned' or exists (
      select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = w.id)) then 'compensating' else w.state end as state
  from simple_queue.workflow w where w.shard = $1 and w.id = any($2::uuid[])`,
);

/** Workflows, the newest first: behind $2, of the states $3, of the name $4 (null: any). */
export const LIST_WORKFLOWS = statement(
  'list_workflows',
  `select ${FACTS}, w.open, w.failed from simple_queue.workflow w
  where w.id < $2::uuid and w.shard = $1 and w.state = any($3::text[]) and ($4::text is null or w.name = $4) order by w.id desc limit $5::int`,
);

/** How large is what the steps before the one of job $2 have returned? */
export const UPSTREAM_SIZE = statement(
  'upstream_size',
  `select (coalesce(sum(octet_length(u.output::text)), 0) + ${UNDONE_SIZE})::float8 as bytes, exists (select from simple_queue.step where id = $2::uuid and shard = $1) as known
  from simple_queue.step t
  join simple_queue.edge e on e.workflow = t.workflow and e.shard = $1 and e.downstream = t.stage
  join simple_queue.step u on u.workflow = t.workflow and u.shard = $1 and u.stage = e.upstream
  where t.id = $2::uuid and t.shard = $1`,
);

/** What the steps before the one of job $2 have returned, in the order of their items; what was added to them, by its own name; of a compensation what it undoes. No row: the job is no step. */
export const UPSTREAM = statement(
  'upstream',
  `select o.name, s.many or o.added or jsonb_array_length(o.outputs) > 1 as many, o.outputs
  from simple_queue.step t
  join simple_queue.edge e on e.workflow = t.workflow and e.shard = $1 and e.downstream = t.stage
  join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = e.upstream
  cross join lateral (
    select s.name, false as added, coalesce(jsonb_agg(u.output order by u.item), '[]') as outputs from simple_queue.step u
    where u.workflow = t.workflow and u.shard = $1 and u.stage = e.upstream and u.added is null
    union all
    select u.added, true, jsonb_agg(u.output order by u.item) from simple_queue.step u
    where u.workflow = t.workflow and u.shard = $1 and u.stage = e.upstream and u.added is not null group by u.added) o
  where t.id = $2::uuid and t.shard = $1
  ${UNDONE_OUTPUT}`,
);

/** What a job that has not begun waits for: its workflow, its step, and the names of the steps before it that have not ended. */
export const FIND_STEP = statement(
  'find_step',
  `select t.workflow, s.name as step, t.state, s.begun, t.stage < 0 as compensates, w.attempt, w.state as flow, array(
    select u.name from simple_queue.edge e join simple_queue.stage u on u.workflow = t.workflow and u.shard = $1 and u.n = e.upstream
    where e.workflow = t.workflow and e.shard = $1 and e.downstream = t.stage and (u.open > 0 or not (u.begun or u.skipped)) order by u.n) as "waitsFor"
  from simple_queue.step t join simple_queue.stage s on s.workflow = t.workflow and s.shard = $1 and s.n = t.stage
  join simple_queue.workflow w on w.id = t.workflow and w.shard = $1
  where t.id = $2::uuid and t.shard = $1`,
);

/** Which of these jobs are steps of a workflow that is kept. */
export const FIND_STEPS = statement(
  'find_steps',
  `select id from simple_queue.step where id = any($2::uuid[]) and shard = $1`,
);

/** Lets go of at most 100 workflows that were kept long enough, and about 10,000 of their jobs, with all that belongs to them. */
export const PURGE_WORKFLOWS = statement(
  'purge_workflows',
  `with due as materialized (
    select id, jobs from simple_queue.workflow where shard = $1 and expires_at <= statement_timestamp() order by expires_at limit 100
    for update skip locked),
  old as materialized (select id from (select id, sum(jobs) over (order by id) - jobs as before from due) d where before < 10000),
  drafts as (delete from simple_queue.draft where shard = $1 and workflow = any(array(select id from old))),
  steps as (delete from simple_queue.step where shard = $1 and workflow = any(array(select id from old))),
  undos as (delete from simple_queue.undo where shard = $1 and workflow = any(array(select id from old))),
  edges as (delete from simple_queue.edge where shard = $1 and workflow = any(array(select id from old))),
  stages as (delete from simple_queue.stage where shard = $1 and workflow = any(array(select id from old))),
  gone as (delete from simple_queue.workflow where shard = $1 and id = any(array(select id from old)) returning 1)
  select count(*)::int as purged from gone`,
);
