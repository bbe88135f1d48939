import { statement } from '../connection/statement.js';

/** Of workflows; see below. */
const STEPS = `
      select v.id, v.stage, 'step' from (
        select * from simple_queue.step where id = p.id and shard = $1 and state is null offset 0) t
      cross join lateral (
        select s.workflow as id, s.n as stage from simple_queue.stage s
          where t.stage >= 0 and s.workflow = t.workflow and s.shard = $1 and s.n = t.stage and not s.begun
        union all select t.awaits, null where t.awaits is not null
        union all select t.workflow, -1 where t.stage < 0 offset 0) v
      where p.stage is null
      union all
      select g.workflow, g.n, 'step' from (
        select workflow, n from simple_queue.stage where workflow = p.id and shard = $1 and n >= 0 and open > 0 offset 0) g where p.stage = -1
      union all
      select v.id, v.stage, 'step' from (select * from simple_queue.stage where workflow = p.id and shard = $1 and n = p.stage offset 0) s
      cross join lateral (
        select e.workflow as id, e.upstream as stage from simple_queue.edge e
        where not s.begun and e.workflow = s.workflow and e.shard = $1 and e.downstream = s.n
        union all select t.id, null from simple_queue.step t
        where s.begun and t.workflow = s.workflow and t.shard = $1 and t.stage = s.n and t.state is null offset 0) v
      where p.stage >= 0`;

/**
 * What the node `p` waits for, and why: the job of that id, the stage of the workflow `id`, or (stage -1) all of its stages that have not ended. Of those that have
 * ended the duty hears. In an ordered group it is the next staged job before it, whatever is between them; `awaits`: of those of this page, what is left.
 */
const waited = (awaits: string): string => `
      select t.id::uuid as id, null::int as stage, 'awaits' as why from (
        select coalesce(${awaits}, options -> 'dependsOn') as awaits from simple_queue.job
        where id = p.id and shard = $1 and commit_by is not null and options ? 'dependsOn' offset 0) j
      cross join lateral jsonb_array_elements_text(j.awaits) t(id) where p.stage is null
      union all
      select f.id, null, 'turn' from (
        select group_name, queue, seq from simple_queue.job where id = p.id and shard = $1 and seq is not null offset 0) j
      cross join lateral (
        select b.id from (
          select id, commit_by from simple_queue.job f
          where f.group_name = j.group_name and f.shard = $1 and f.queue = j.queue and f.seq < j.seq order by f.seq desc offset 0) b
        where b.commit_by is not null limit 1) f
      where p.stage is null
      union all${STEPS}`;

const key = (node: string): string => `${node}.id::text || coalesce('/' || ${node}.stage, '')`;

/**
 * For $3 jobs behind $2 that depend on others: who waits for whom, over other jobs, turns of groups and steps of workflows. What depends on others is stored behind
 * them, so a circle closes only where something enters an ordered group later: every circle has a job of such a group with others behind it, and the look begins at
 * those. Each job is read once, whoever waits for it. $4: at most so many; `cut`: there are more. `last`: there may be more behind it.
 */
export const FIND_WAITS = statement(
  'find_waits',
  `with recursive seen as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id > $2::bigint order by id limit $3),
  heads as materialized (
    select j.id, s.awaits from seen s
    cross join lateral (
      select id, group_name, queue, seq from simple_queue.job
      where id = s.job and shard = $1 and epoch = s.epoch and commit_by is not null and seq is not null offset 0) j
    where exists (
      select from simple_queue.blocked b where b.group_name = j.group_name and b.shard = $1 and b.queue = j.queue and b.seq > j.seq)),
  nodes as (
    select id, null::int as stage from heads
    union
    select n.id, n.stage from nodes p left join heads h on h.id = p.id cross join lateral (${waited('h.awaits')}) n),
  reached as materialized (select * from nodes limit $4),
  waits as (
    select ${key('p')} as item, ${key('n')} as awaits, n.why
    from reached p left join heads h on h.id = p.id cross join lateral (${waited('h.awaits')}) n)
  select coalesce((select json_agg(json_build_array(item, awaits, why)) from waits), '[]') as waits,
    (select count(*) from reached) = $4 as cut,
    (select s.id from seen s order by s.id offset $3 - 1 limit 1)::text as last`,
);
