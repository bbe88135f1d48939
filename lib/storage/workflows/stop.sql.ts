import { statement } from '../connection/statement.js';
import { followed, MOVED } from './advanced.sql.js';

/** Asks a running workflow to stop; in callers' transactions, too, so it only inserts. No row back: it does not run. */
export const ASK_TO_STOP = statement(
  'ask_to_stop',
  `insert into simple_queue.arrival (shard, kind, workflow, state)
  select $1, 'stop', id, $3 from simple_queue.workflow
  where id = $2::uuid and shard = $1 and (state = 'running' or $3 = 'abandoned' and state in ('compensating', 'stuck'))
  returning workflow as id`,
);

/** `kinds` of arrivals that there are. The same of at most 100 whose time is over; nothing of them begins from then on. Of one that compensates the deadline is over. */
export const STOP_EXPIRED = statement(
  'stop_expired',
  `with late as materialized (
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
      where k = 'stop' and exists (select from asked) or exists (select from simple_queue.arrival where kind = k and shard = $1)) as kinds`,
);

/** A page of one workflow that is to stop; locked until the transaction ends. */
export const TAKE_STOP = statement(
  'take_stop',
  `select id::text, workflow, state as stop from simple_queue.arrival
  where kind = 'stop' and shard = $1 and id > $2::bigint order by arrival.id limit 1 for update skip locked`,
);

/**
 * Notes why a workflow stops, and locks it until the transaction ends; the first reason stays, unless its compensations are given up: that can be
 * said as long as it lives. Without a reason it only ends, if nothing of it is open. No row back: it has ended, or compensates.
 */
export const MARK_STOP = statement(
  'mark_stop',
  `update simple_queue.workflow set stop = case when $3 = 'abandoned' then $3 else coalesce(stop, $3) end
  where id = $2::uuid and shard = $1 and (state = 'running' and ($3::text is not null or open = 0) or $3 = 'abandoned' and state in ('compensating', 'stuck')) returning state`,
);

/** Nothing tells the end of one of which nothing is open. */
const OVER = `select id, null::text as stop from simple_queue.workflow where id = $2::uuid and shard = $1 and state = 'running' and open = 0`;

/** What it awaits of others is not theirs to end: it waits no longer. */
const UNAWAITED = `union all select $1, 'end', job, 'cancelled', null, null from unawaited`;

/** Callbacks of a batch that are called although it stops: those that fit its end. Of one that was given up, none. */
const CALLED = `s.again and exists (
        select from simple_queue.workflow w where w.id = s.workflow and w.shard = $1 and (w.stop in ('failed', 'expired')
          or w.stop = 'cancelled' and exists (select from simple_queue.edge e
            where e.workflow = s.workflow and e.shard = $1 and e.downstream = s.n and e.condition = 'ended')))`;

/**
 * Under that lock, in a snapshot of its own: nothing of the workflow begins any more but its callbacks. What runs is cancelled by its jobs. Another
 * statement, since the row of the workflow is changed again where it ends with this.
 */
export const STOP_WORKFLOW = statement(
  'stop_workflow',
  `with skipping as (
    update simple_queue.stage s set skipped = true, open = 0
    where s.workflow = $2::uuid and s.shard = $1 and s.n >= 0 and not s.skipped and s.open + (s.jobs = 0)::int > 0
      and not (${CALLED})
      and (not s.begun or not s.plain and exists (
        select from simple_queue.arrival a where a.kind = 'begin' and a.shard = $1 and a.workflow = s.workflow and a.stage = s.n))
    returning s.workflow, s.n as stage),
  complete as materialized (select workflow, stage, false as failed, true as skipped from skipping),
  told as (
    update simple_queue.step t set state = 'skipped', ended_at = statement_timestamp()
    from complete s where t.workflow = s.workflow and t.shard = $1 and t.stage = s.stage and t.state is null),
  unawaited as (delete from simple_queue.arrival where kind = 'wait' and shard = $1 and workflow = $2::uuid returning job),
  ${followed({ locked: false, over: OVER, more: [UNAWAITED] })}
  select ${MOVED}`,
);

/** It is stopped. */
export const STOPPED = statement(
  'stopped',
  `delete from simple_queue.arrival where kind = 'stop' and shard = $1 and id = $2::bigint`,
);
