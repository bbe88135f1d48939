import { placed } from '../places/places.sql.js';
import { goesBack, REMEMBERED, UNDONE_NEXT } from './compensated.sql.js';

/**
 * Members of a `with` that lock the workflows of `of`, in one order for all: whatever moves a workflow on does so under its row, so two that end
 * steps of one workflow follow each other. What they read of it they read by updates, which see what the other one has committed.
 */
export const lockedWorkflows = (of: string): string => `held as materialized (
    select w.id, w.saga, w.stop is not null or w.deadline_at <= statement_timestamp() as halted,
      w.stops_at_failure and w.stop is null and w.ended_at is null as stops,
      w.state = 'compensating' and w.stop is distinct from 'abandoned' as undoing
    from (select distinct workflow from ${of} order by workflow) c cross join lateral (
      select * from simple_queue.workflow where id = c.workflow and shard = $1 for update) w)`;

/** With `COUNTED`: workflows that a failure stops, here and now. */
export const FAILING = `failing as materialized (
    select id from held h where h.stops
      and exists (select from counted c where c.workflow = h.id and c.failed_now > 0 and c.stage >= 0))`;

/** For `over` of `followed`. */
export const FAILED = `select id, 'failed' as stop from failing`;

/** Steps of `told` (workflow, stage, item, state, seq) have ended: `complete` are the stages of which none is open any more. */
export const COUNTED = `counts as materialized (
    select workflow, stage, count(*)::int as n, (count(*) filter (where state <> 'succeeded'))::int as failed
    from told group by workflow, stage),
  ${lockedWorkflows('counts')},
  ${REMEMBERED},
  counted as (
    update simple_queue.stage s set open = s.open - c.n, failed = s.failed + c.failed
    from counts c join held h on h.id = c.workflow
    where s.workflow = c.workflow and s.shard = $1 and s.n = c.stage
    returning s.workflow, s.n as stage, s.open, s.failed, c.failed as failed_now),
  ${UNDONE_NEXT},
  complete as materialized (select workflow, stage, failed > 0 as failed, false as skipped from counted where open = 0 and stage >= 0)`;

const HALTED = 'select id from held where halted';

/**
 * Edges behind stages that are `complete`, and whether their conditions hold. None of workflows that stop (`halted`), or that somebody has asked
 * to: what has not begun of them is about to be skipped, and must not begin meanwhile. Callbacks of batches (`again`) are called all the same.
 */
const edges = (halted: string): string => `edges as materialized (
    select e.workflow, e.downstream,
      e.condition = 'ended' or not c.skipped and (e.condition = 'failed') = c.failed as holds
    from complete c cross join lateral (
      select workflow, downstream, condition from simple_queue.edge
      where workflow = c.workflow and shard = $1 and upstream = c.stage offset 0) e
    where (e.workflow, e.downstream) not in (select workflow, stage from complete)
      and (${halted && `e.workflow not in (${halted}) and`}
        not exists (select from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = e.workflow)
        or (select s.again from simple_queue.stage s where s.workflow = e.workflow and s.shard = $1 and s.n = e.downstream)))`;

/** Stages that wait for nothing more begin: jobs are made of their drafts. */
const begun = (more: string): string => `lowered as (
    update simple_queue.stage s set waits = s.waits - e.n, begun = s.waits = e.n
    from (select workflow, downstream, count(*)::int as n from edges where holds group by workflow, downstream) e
    where s.workflow = e.workflow and s.shard = $1 and s.n = e.downstream and not s.begun and not s.skipped
    returning s.workflow, s.n as stage, s.begun, s.plain),
  drafted as materialized (
    select d.* from lowered l cross join lateral (
      select * from simple_queue.draft where workflow = l.workflow and shard = $1 and stage = l.stage offset 0) d
    where l.begun and l.plain${more}),
  stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes)
    select id, $1, lane, queue, priority, greatest(statement_timestamp(),
        coalesce(run_at, statement_timestamp() + delay_ms * interval '1 millisecond')), fingerprint, options, payload, payload_bytes
    from (select * from drafted order by workflow, stage, item) d
    on conflict do nothing
    returning id, lane, priority, run_at, 0 as epoch),
  ${placed('stored', ['scheduled', 'ready'], { ready: 'lane', scheduled: 'id' })}`;

/** Completed stages by their workflows. */
const COMPLETED = `select workflow, count(*)::int as n, (count(*) filter (where failed))::int as failed from complete group by workflow`;
/** The same, and these workflows (id, stop), also while a stage is open. */
const completedAnd = (more: string): string =>
  `select workflow, count(stage)::int as n, (count(*) filter (where failed))::int as failed, max(stop) as stop
      from (select workflow, stage, failed, null as stop from complete union all select id, null, false, stop from (${more}) m) x group by workflow`;

/** What somebody has asked of a workflow counts from then on, also where no duty has noted it yet. */
const STOP = `case when c.asked = 'abandoned' then c.asked else coalesce(w.stop, c.asked) end`;
const BACK = goesBack(STOP);

/** Workflows of which no stage is open any more end. */
const finished = (more: string): string => `finished as (
    update simple_queue.workflow w set open = w.open - c.n, failed = w.failed + c.failed, stop = ${more ? `coalesce(${STOP}, c.stop)` : STOP},
      state = case when w.open > c.n then w.state when ${BACK} then 'compensating' when ${STOP} in ('cancelled', 'abandoned') then 'cancelled'
        when ${STOP} is not null or w.failed + c.failed > 0 then 'failed' else 'succeeded' end,
      ended_at = case when w.open = c.n and not ${BACK} then statement_timestamp() end,
      expires_at = case when w.open = c.n and not ${BACK} then statement_timestamp() + w.keep_ms * interval '1 millisecond' end
    from (select c.*, (select pg_catalog.min(a.state) from simple_queue.arrival a where a.kind = 'stop' and a.shard = $1 and a.workflow = c.workflow) as asked
      from (${more ? completedAnd(more) : COMPLETED}) c) c
    where w.id = c.workflow and w.shard = $1
    returning w.id, w.name, w.state, w.attempt)`;

/** What still runs of those that a failure stops is the duty's. */
const STOPPING = `union all select $1, 'stop', null, 'failed', id, null from finished where state = 'running' and id in (select id from failing)`;

/**
 * What follows from stages that are `complete`: edges hold or break, stages that wait for nothing more begin (jobs are made of their drafts), and
 * workflows end. What takes more than that is left to the duty as `arrival` rows: stages whose jobs need locks, or have none, and stages
 * that can never begin. `locked`: `held` says which workflows stop. `failing`: a member of that name says which do so because of a failure. `drafts` are
 * further ones of which jobs are made, `over` workflows (id, stop) that stop so, and end if nothing is open, `more` further rows for the duty.
 */
export const followed = ({
  locked = true,
  failing = false,
  drafts = '',
  over = '',
  more = [] as readonly string[],
} = {}): string => `${edges(locked ? HALTED + (failing ? ' union all select id from failing' : '') : '')},
  ${begun(drafts)},
  ${finished(over)},
  left_over as (
    insert into simple_queue.arrival (shard, kind, job, state, workflow, stage)
    select distinct $1::smallint, 'skip', null::uuid, null, workflow, downstream from edges where not holds
    union all select $1, 'begin', null, null, workflow, stage from lowered where begun and not plain
    union all select $1, 'end', id, 'failed', null, null from drafted where id not in (select id from stored)
    union all select $1, 'undo', null, null, id, null from finished where state = 'compensating'
    ${[...(failing ? [STOPPING] : []), ...more].join('\n    ')} returning 1)`;

/** What whoever has moved workflows on reports to others; so many `arrivals` more. */
export const movedAnd = (
  arrivals: string,
): string => `array(select distinct lane from readied) as lanes,
    (select count(*) from scheduled)::int as later,
    ((select count(*) from left_over) + ${arrivals})::int as arrivals,
    (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'state', state, 'attempt', attempt)), '[]')
      from finished where state not in ('running', 'compensating')) as ended`;
export const MOVED = movedAnd('0');
