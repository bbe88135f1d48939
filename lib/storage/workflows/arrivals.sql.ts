import { statement } from '../connection/statement.js';
import { UNDONE } from './compensated.sql.js';
import { COUNTED, FAILED, FAILING, followed, lockedWorkflows, MOVED } from './advanced.sql.js';

/**
 * Takes arrivals of a kind, of a page of $2 behind $3: not those of workflows that somebody holds, who would hold up all others. `flow` finds the
 * workflow of an arrival a; one that is gone holds nothing.
 */
const taken = (kind: string, columns: string, flow: string): string => `page as materialized (
    select a.id, (select w.id from simple_queue.workflow w where w.id = ${flow} and w.shard = $1) as flow from (
      select * from simple_queue.arrival where kind = '${kind}' and shard = $1 and id > $3::bigint order by id limit $2::int) a),
  free as materialized (
    select w.id from (select distinct flow as id from page order by flow) u cross join lateral (
      select id from simple_queue.workflow where id = u.id and shard = $1 for update skip locked) w),
  gone as (
    delete from simple_queue.arrival where kind = '${kind}' and shard = $1 and id = any(array(
      select id from simple_queue.arrival where kind = '${kind}' and shard = $1 and id = any(array(
        select id from page where flow is null or flow in (select id from free))) order by id for update skip locked))
    returning ${columns})`;

/** `last`: there may be more behind it. */
const TAKEN = `(select count(*) from gone)::int as taken, (select p.id from page p order by p.id offset $2::int - 1 limit 1)::text as last`;

/**
 * Ends of steps that were told as arrivals: failures, cancels, what was completed in a transaction or by a remote worker. A workflow that shall stop at
 * its first failure stops with it: nothing that waited for the failure begins.
 */
export const TAKE_ENDS = statement(
  'take_ends',
  `with ${taken('end', 'id, job, state, output, error', '(select workflow from simple_queue.step where id = a.job and shard = $1)')},
  told as (
    update simple_queue.step s set state = g.state, output = g.output, error = g.error, ended_at = statement_timestamp()
    from (select distinct on (job) * from gone order by job, id) g
    where s.id = g.job and s.shard = $1 and s.state is null
    returning s.workflow, s.stage, s.item, s.state, g.id as seq),
  ${COUNTED},
  ${FAILING},
  ${followed({ failing: true, over: FAILED, ...UNDONE })}
  select ${MOVED}, ${TAKEN}`,
);

/**
 * Stages that can never begin: they end as skipped, and what waits for them hears of it. So do at most $2 that wait for these in their turn: a chain
 * is skipped in a few statements, however long it is.
 */
export const SKIP_STAGES = statement(
  'skip_stages',
  `with recursive ${taken('skip', 'workflow, stage', 'a.workflow')},
  chain as (
    select workflow, stage from gone
    union select e.workflow, e.downstream from chain c cross join lateral (
      select * from simple_queue.edge where workflow = c.workflow and shard = $1 and upstream = c.stage and condition <> 'ended' offset 0) e
    where exists (select from simple_queue.stage s
      where s.workflow = c.workflow and s.shard = $1 and s.n = c.stage and not s.begun and not s.skipped)),
  reached as materialized (select * from gone union (select * from chain limit $2::int)),
  ${lockedWorkflows('gone')},
  skipping as (
    update simple_queue.stage s set skipped = true, open = 0
    from (select * from reached where workflow in (select id from held) offset 0) g
    where s.workflow = g.workflow and s.shard = $1 and s.n = g.stage and not s.begun and not s.skipped
    returning s.workflow, s.n as stage),
  complete as materialized (select workflow, stage, false as failed, true as skipped from skipping),
  told as (
    update simple_queue.step t set state = 'skipped', ended_at = statement_timestamp()
    from complete s where t.workflow = s.workflow and t.shard = $1 and t.stage = s.stage and t.state is null),
  ${followed()}
  select ${MOVED}, ${TAKEN}`,
);

/** Takes a stage that is to begin and needs more than one statement; locked until the transaction ends. */
export const TAKE_BEGINNING = statement(
  'take_beginning',
  `delete from simple_queue.arrival where kind = 'begin' and shard = $1 and id = any(array(
    select id from simple_queue.arrival where kind = 'begin' and shard = $1 and id > $2::bigint order by id limit 1 for update skip locked))
  returning id::text, workflow, stage,
    (select s.again from simple_queue.stage s where s.workflow = arrival.workflow and s.shard = $1 and s.n = arrival.stage) as again`,
);

/** Locks a workflow. `asked`: it stops, and what has not begun is yet to be skipped. */
export const LOCK_WORKFLOW = statement(
  'lock_workflow',
  `select id, name, state, stop, exists (
    select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = w.id) as asked
  from simple_queue.workflow w where id = $2::uuid and shard = $1 for update of w`,
);

/** A stage without jobs is complete as soon as it begins. */
export const COMPLETE_EMPTY = statement(
  'complete_empty',
  `with complete as materialized (
    select workflow, n as stage, false as failed, false as skipped from simple_queue.stage
    where workflow = $2::uuid and shard = $1 and n = $3::int and jobs = 0 and begun and not skipped),
  ${followed({ locked: false })}
  select ${MOVED}`,
);

/** Jobs of a stage that could not be enqueued have failed. */
export const FAIL_STAGE = statement(
  'fail_stage',
  `insert into simple_queue.arrival (shard, kind, job, state, error)
  select $1, 'end', id, 'failed', $4::jsonb from simple_queue.step
  where workflow = $2::uuid and shard = $1 and stage = $3::int and state is null`,
);
