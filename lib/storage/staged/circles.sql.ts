import { statement } from '../connection/statement.js';

/** What the job p of `path` waits for, or the stage of a workflow: jobs, and stages (of the workflow `id`). Of those that have ended the duty hears. */
const WAITED = `
      select t.id::uuid as id, null::int as stage from (
        select options -> 'dependsOn' as awaits from simple_queue.job
        where id = p.id and shard = $1 and commit_by is not null and options ? 'dependsOn' offset 0) j
      cross join lateral jsonb_array_elements_text(j.awaits) t(id) where p.stage is null
      union all
      select f.id, null from (
        select group_name, queue, seq from simple_queue.job where id = p.id and shard = $1 and seq is not null offset 0) j
      cross join lateral (
        select id from simple_queue.job f
        where f.group_name = j.group_name and f.shard = $1 and f.queue = j.queue and f.seq < j.seq and f.commit_by is not null offset 0) f
      where p.stage is null
      union all
      select v.id, v.stage from (select * from simple_queue.step where id = p.id and shard = $1 and state is null and stage >= 0 offset 0) t
      cross join lateral (select * from simple_queue.stage where workflow = t.workflow and shard = $1 and n = t.stage offset 0) s
      cross join lateral (select t.awaits as id, null::int as stage where t.awaits is not null
        union all select s.workflow, s.n where not s.begun) v where p.stage is null
      union all
      select g.workflow, g.n from (select workflow from simple_queue.step where id = p.id and shard = $1 and state is null and stage < 0 offset 0) t
      cross join lateral (
        select workflow, n from simple_queue.stage where workflow = t.workflow and shard = $1 and n >= 0 and open > 0 offset 0) g where p.stage is null
      union all
      select v.id, v.stage from (select * from simple_queue.stage where workflow = p.id and shard = $1 and n = p.stage offset 0) s
      cross join lateral (
        select e.workflow as id, e.upstream as stage from simple_queue.edge e
        where not s.begun and e.workflow = s.workflow and e.shard = $1 and e.downstream = s.n
        union all select t.id, null from simple_queue.step t
        where s.begun and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state is null offset 0) v`;

/**
 * One of the jobs that depend on others and would wait for themselves, over others, turns of groups and steps of workflows, with what it waits for. What depends on
 * others is stored behind them, so a circle closes only where something enters an ordered group later: every circle has a job of such a group with others behind it,
 * and those are looked at, some at a time, others with another $2.
 */
export const FIND_CIRCLE = statement(
  'find_circle',
  `with recursive heads as materialized (
    select j.id, a.more -> 'awaits' as awaits from simple_queue.arrival a
    cross join lateral (
      select id, group_name, queue, seq from simple_queue.job
      where id = a.job and shard = $1 and epoch = (a.more ->> 'epoch')::int and commit_by is not null and seq is not null offset 0) j
    where a.kind = 'depend' and a.shard = $1 and exists (
      select from simple_queue.blocked b where b.group_name = j.group_name and b.shard = $1 and b.queue = j.queue and b.seq > j.seq)
    order by md5(j.id::text || $2::text) limit 100),
  path as (
    select h.id as head, t.id::uuid as first, t.id::uuid as id, null::int as stage from heads h
    cross join lateral jsonb_array_elements_text(h.awaits) t(id)
    union
    select p.head, p.first, n.id, n.stage from path p cross join lateral (${WAITED}) n where p.id <> p.head)
  select head as id, jsonb_build_object('id', first, 'state', 'waiting for this one itself') as failed
  from path where id = head and stage is null limit 1`,
);
