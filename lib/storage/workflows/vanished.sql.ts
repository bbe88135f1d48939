import { statement } from '../connection/statement.js';
import { openUndo } from './compensated.sql.js';

const MOST_WORKFLOWS = 1_000;

/** Members `page` and `looked`: running workflows in the order of their ids, as many as have about `jobs` jobs; `where` goes on with `and`. */
export const running = (jobs: number, where = ''): string => `page as materialized (
    select id, jobs, created_at, state = 'running' and open = 0 as over from simple_queue.workflow where shard = $1 and ended_at is null ${where} order by id limit ${MOST_WORKFLOWS}),
  looked as materialized (
    select id, created_at, over from (select *, sum(jobs) over (order by id) - jobs as before from page) p where before < ${jobs})`;

/**
 * Open steps of the workflows `of` (id), or their open compensations, whose jobs are gone: somebody has deleted their rows, and nothing will tell of
 * an end. Whatever ends or makes a job says so in the same statement or transaction, so one snapshot suffices. A workflow that stops has told of 20,000
 * ends: grouped, since what is no index would be walked for each.
 */
export const vanished = (of: string): string => `with gone as materialized (
    select o.id, o.job from (
      select w.id, t.id as job from ${of} w
      join simple_queue.stage s on s.workflow = w.id and s.shard = $1 and s.begun and not s.skipped and s.open > 0
      cross join lateral (
        select id from simple_queue.step where workflow = s.workflow and shard = $1 and stage = s.n and state is null offset 0) t
      where (w.id, s.n) not in (select workflow, stage from simple_queue.arrival where kind = 'begin' and shard = $1)
      union all ${openUndo(of)}) o
    where not exists (select from simple_queue.job j where j.id = o.job and j.shard = $1 offset 0))
    select (array_agg(id))[1] as id, job from (
      select id, job from gone union all
      select null, job from simple_queue.arrival where kind in ('end', 'add', 'wait') and shard = $1 and job is not null and exists (select from gone)) u
    group by job having count(*) = count(id)`;

/** Of a page of running workflows behind $2 those that wait for what is gone, or of which nothing is open; `last`: there may be more behind it. */
export const FIND_VANISHED = statement(
  'find_vanished',
  `with ${running(10_000, 'and id > $2::uuid')}
  select array(select v.id::text from (${vanished('looked')}) v union select id::text from looked where over) as found,
    (select id::text from looked where (select count(*) from page) > least((select count(*) from looked), ${MOST_WORKFLOWS - 1})
      order by looked.id desc limit 1) as last`,
);

const GONE = JSON.stringify({
  name: 'QueueError',
  code: 'JOB_UNKNOWN',
  message: 'The job of this step is gone: somebody has deleted its row.',
});

/** Under the lock of workflow $2: what became of its steps whose jobs are gone is reported as it is when they end. What is kept nowhere counts as cancelled. One of which nothing is open ends. */
export const END_VANISHED = statement(
  'end_vanished',
  `with over as (
    insert into simple_queue.arrival (shard, kind, workflow)
    select $1, 'stop', id from simple_queue.workflow where id = $2::uuid and shard = $1 and state = 'running' and open = 0)
  insert into simple_queue.arrival (shard, kind, job, state, output, error)
  select $1, 'end', v.job, coalesce(e.state, 'cancelled'), e.output, case when e.state is null then '${GONE}'::jsonb else e.error end
  from (${vanished('(select $2::uuid as id)')}) v
  left join lateral (
    select state, output, null::jsonb as error from simple_queue.archive where id = v.job and shard = $1
    union all select 'failed', null, last_error from simple_queue.dead_letter where id = v.job and shard = $1 limit 1) e on true
  returning job`,
);
