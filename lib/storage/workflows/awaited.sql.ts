import { statement } from '../connection/statement.js';

/** Steps that are jobs of somebody else: no draft, and an arrival each, which stays until that job has ended. Nothing of theirs is locked or changed. */
export const AWAIT_JOBS = statement(
  'await_jobs',
  `with awaiting as (
    insert into simple_queue.step (id, shard, workflow, stage, item, awaits)
    select u.id, $1, $2::uuid, u.stage, 0, u.job from unnest($3::uuid[], $4::int[], $5::uuid[]) u(id, stage, job) returning id)
  insert into simple_queue.arrival (shard, kind, job, workflow) select $1, 'wait', id, $2::uuid from awaiting`,
);

/** In another attempt what they did not see succeed is awaited again. */
export const AWAIT_AGAIN = statement(
  'await_again',
  `insert into simple_queue.arrival (shard, kind, job, workflow)
  select $1, 'wait', id, workflow from simple_queue.step where workflow = $2::uuid and shard = $1 and awaits is not null and state is null`,
);

/** Step `o` has not ended, and may. What compensates never begins where its workflow has ended without it. */
const isOpen = `o.state is null and (o.stage >= 0 or exists (select from simple_queue.workflow w where w.id = o.workflow and w.shard = $1 and w.ended_at is null))`;

/** Does that job live, or will it? What waits for other steps lives as a draft. */
export const lives = (id: string): string =>
  `exists (select from simple_queue.job j where j.id = ${id} and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = ${id} and o.shard = $1 and ${isOpen} offset 0)`;

/** Is anything known of it, alive or ended? */
export const isKnown = (
  id: string,
): string => `exists (select from simple_queue.job j where j.id = ${id} and j.shard = $1 offset 0)
      or exists (select from simple_queue.step o where o.id = ${id} and o.shard = $1 and (o.state is not null or ${isOpen}) offset 0)
      or exists (select from simple_queue.archive e where e.id = ${id} and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = ${id} and e.shard = $1 offset 0)`;

const UNUSED = 'a compensation that was not needed';

/** What became of that job, as `e`, if it is `over`. A step has kept its end, whatever its queue keeps. */
export const endOf = (id: string, over = 'true'): string => `left join lateral (
      select s.* from (
        select case when state is null then 3 else 1 end as way, now() as at, coalesce(state, '${UNUSED}') as state, output, error
          from simple_queue.step o where o.id = ${id} and o.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.archive a where a.id = ${id} and a.shard = $1
        union all select 2, finished_at, state, output, last_error from simple_queue.dead_letter d where d.id = ${id} and d.shard = $1) s
      where ${over} order by way, at desc limit 1) e on true`;

const UNKNOWN = JSON.stringify({
  name: 'QueueError',
  code: 'JOB_UNKNOWN',
  message:
    'The job that is awaited is unknown: it was purged, its end is not kept any more, or it was never enqueued.',
});

/**
 * A page of awaited jobs behind $2: those that have ended tell it as other steps do. A job that somebody awaits knows nothing of it, so nobody else pays;
 * one snapshot sees it either alive or ended. A step has kept its end, whatever its queue keeps; what is known nowhere has failed.
 */
export const TAKE_AWAITED = statement(
  'take_awaited',
  `with page as materialized (
    select id, job from simple_queue.arrival where kind = 'wait' and shard = $1 and id > $2::bigint order by id limit 500 for update skip locked),
  over as materialized (
    select p.id, p.job, e.state, e.output, e.error from page p
    join simple_queue.step t on t.id = p.job and t.shard = $1
    ${endOf('t.awaits')}
    where not (${lives('t.awaits')})),
  gone as (delete from simple_queue.arrival where kind = 'wait' and shard = $1 and id = any(array(select id from over))),
  told as (
    insert into simple_queue.arrival (shard, kind, job, state, output, error)
    select $1, 'end', job, case when state in ('succeeded', 'cancelled') then state when state in ('skipped', '${UNUSED}') then 'cancelled' else 'failed' end,
      output, case when state is null then '${UNKNOWN}'::jsonb else error end from over returning 1)
  select (select count(*) from told)::int as ended, (select id::text from page order by page.id offset 499 limit 1) as last`,
);
