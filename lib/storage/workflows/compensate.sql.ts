import { statement } from '../connection/statement.js';

/** Of a workflow in another attempt. */
export const FLOW = 'id, name, state, attempt';

/** A workflow is a saga: what compensates its stages ($3, numbered from 0) is stored beside them. `plain` ($7): as of other stages. */
export const STORE_COMPENSATIONS = statement(
  'store_compensations',
  `with marked as (update simple_queue.workflow set saga = true where id = $2::uuid and shard = $1)
  insert into simple_queue.stage (workflow, shard, n, name, jobs, open, waits, plain, begun, many)
  select $2::uuid, $1, -1 - u.n, u.name, u.jobs, u.jobs, 0, u.plain, false, u.many
  from unnest($3::int[], $4::text[], $5::int[], $6::boolean[], $7::boolean[]) u(n, name, jobs, many, plain)`,
);

/**
 * Takes a workflow whose compensation goes on, behind $2; locked until the transaction ends. Not as long as it is being stopped: that cancels its
 * jobs, and a compensation must not be among them.
 */
export const TAKE_UNDO = statement(
  'take_undo',
  `delete from simple_queue.arrival where kind = 'undo' and shard = $1 and id = any(array(
    select a.id from simple_queue.arrival a where a.kind = 'undo' and a.shard = $1 and a.id > $2::bigint and not exists (
      select from simple_queue.arrival s where s.kind = 'stop' and s.shard = $1 and s.workflow = a.workflow)
    order by a.id limit 1 for update skip locked))
  returning id::text, workflow`,
);

/** The compensation of a workflow is to be looked at. */
export const WAKE_UNDO = statement(
  'wake_undo',
  `insert into simple_queue.arrival (shard, kind, workflow) values ($1, 'undo', $2::uuid)`,
);

/** Where a workflow is, and which compensation is the next one or has begun: of what was completed last and is not compensated. */
export const NEXT_UNDO = statement(
  'next_undo',
  `select w.state as flow, w.stop, u.seq::text, u.begun, u.step, u.id, u.state, u.error
  from simple_queue.workflow w left join lateral (
    select u.seq, u.begun, s.name as step, t.id, t.state, t.error from (
      select * from simple_queue.undo where workflow = w.id and shard = $1 order by seq desc limit 2) u
    join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.n = u.stage
    join simple_queue.step t on t.workflow = w.id and t.shard = $1 and t.stage = u.stage and t.item = u.item
    where not u.begun or t.state is distinct from 'succeeded' order by u.seq desc limit 1) u on true
  where w.id = $2::uuid and w.shard = $1`,
);

/** Its job is stored, or cannot be; the one before it is struck out. */
export const BEGIN_UNDO = statement(
  'begin_undo',
  `with struck as (delete from simple_queue.undo where workflow = $2::uuid and shard = $1 and seq > $3::bigint)
  update simple_queue.undo set begun = true where workflow = $2::uuid and shard = $1 and seq = $3::bigint`,
);

/** A compensation could not be enqueued: it has failed. */
export const FAIL_UNDO = statement(
  'fail_undo',
  `insert into simple_queue.arrival (shard, kind, job, state, error) values ($1, 'end', $2::uuid, 'failed', $3::jsonb)`,
);

/** A compensation has failed: the workflow waits for a person. */
export const MARK_STUCK = statement(
  'mark_stuck',
  `update simple_queue.workflow set state = 'stuck' where id = $2::uuid and shard = $1 returning id, name, attempt`,
);

/** Nothing is left to compensate, or it was given up. Where nothing was compensated, a workflow has failed or was cancelled like any other. */
export const END_SAGA = statement(
  'end_saga',
  `update simple_queue.workflow w set ended_at = statement_timestamp(), expires_at = statement_timestamp() + keep_ms * interval '1 millisecond',
    state = case when stop = 'abandoned' then 'cancelled'
      when exists (select from simple_queue.stage s where s.workflow = w.id and s.shard = $1 and s.n < 0 and s.open < s.jobs) then 'compensated'
      when stop = 'cancelled' then 'cancelled' else 'failed' end
  where id = $2::uuid and shard = $1 returning id, name, state, attempt`,
);

/** How many compensations of a workflow have ended. */
export const COUNT_COMPENSATED = statement(
  'count_compensated',
  `select coalesce(sum(jobs - open), 0)::int as n from simple_queue.stage where workflow = $2::uuid and shard = $1 and n < 0`,
);

/** The compensation that failed. */
export const FIND_FAILED_UNDO = statement(
  'find_failed_undo',
  `select id from simple_queue.step where workflow = $2::uuid and shard = $1 and stage < 0 and state in ('failed', 'cancelled')`,
);

/** Members: what has ended once more since its workflow ended says nothing of the attempt for which it is open `again`. A map, as all that is of thousands of steps. */
export const UNHEARD = `heard as materialized (select coalesce(jsonb_object_agg(id, 0), '{}') as jobs from again),
  unheard as (
    delete from simple_queue.arrival where kind = 'end' and shard = $1 and id = any(array(
      select id from simple_queue.arrival where kind = 'end' and shard = $1 and (select jobs from heard) ? job::text order by id limit 10000
      for update skip locked)))`;

/** Under the lock of a workflow that is stuck: what failed is open again. */
export const RETRY_UNDO = statement(
  'retry_undo',
  `with again as (
    update simple_queue.step set state = null, output = null, error = null, ended_at = null
    where workflow = $2::uuid and shard = $1 and stage < 0 and state in ('failed', 'cancelled') returning id, stage),
  ${UNHEARD},
  reopened as (
    update simple_queue.stage s set open = s.open + a.n, failed = s.failed - a.n from (select stage, count(*)::int as n from again group by stage) a
    where s.workflow = $2::uuid and s.shard = $1 and s.n = a.stage)
  update simple_queue.workflow set state = 'compensating', attempt = attempt + 1 where id = $2::uuid and shard = $1 returning ${FLOW}`,
);
