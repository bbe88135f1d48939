import { statement } from '../connection/statement.js';
import { endOf, lives } from '../workflows/awaited.sql.js';

/** Of the arrival a. */
export const ALL_LIVE = `not exists (
        select from jsonb_array_elements_text(a.more -> 'awaits') u(id) where not (${lives('u.id::uuid')}))`;

/**
 * Staged jobs behind $2 that depend on others and have no arrival any more, since somebody has emptied the table: they wait for all of those again. What is blocked
 * is found when it has its turn. One snapshot sees the job and its arrival, or neither.
 */
export const AWAIT_DEPENDENCIES = statement(
  'await_dependencies',
  `with page as materialized (
    select id from simple_queue.staged where shard = $1 and id > $2::uuid order by id limit 1000),
  awaiting as (
    insert into simple_queue.arrival (shard, kind, job, more)
    select $1, 'depend', p.id, jsonb_build_object('epoch', j.epoch, 'awaits', j.options -> 'dependsOn') from page p
    cross join lateral (select epoch, options from simple_queue.job where id = p.id and shard = $1 and options ? 'dependsOn' offset 0) j
    where not exists (select from simple_queue.arrival a where a.kind = 'depend' and a.shard = $1 and a.job = p.id)
    returning 1)
  select (select count(*) from awaiting)::int as again, (select id::text from page order by page.id offset 999 limit 1) as last`,
);

/** What the job $2 still depends on. */
export const FIND_DEPENDENCIES = statement(
  'find_dependencies',
  `select more -> 'awaits' as awaits from simple_queue.arrival where kind = 'depend' and shard = $1 and job = $2::uuid order by id desc limit 1`,
);

/** What was enqueued or run again behind its dependent waits for its turn as long as that waits for its end. */
const BEHIND = 'behind this one in its ordered group';
const isBehind = (id: string, job: string): string => `${job}.seq is not null and exists (
      select from simple_queue.job f
      where f.id = ${id} and f.shard = $1 and f.group_name = ${job}.group_name and f.queue = ${job}.queue and f.seq > ${job}.seq offset 0)`;

/**
 * Jobs behind $2 that depend on others, 500 a look: those for which something has ended, which are locked. Whoever only waits is read, and nothing of it is
 * written. What stands behind its dependent in an ordered group is as good as failed. A row is one job, whose lock decides who goes on with it; jobs that a caller
 * holds are left for the next look. What has succeeded is struck out: it may not be kept as long as the others take. Back come those that have nothing left
 * (`failed` null), and those of which one has not succeeded, or is about to end with this page; the caller commits or ends them in the same transaction. `last`: there may be more behind it.
 */
export const TAKE_DEPENDENTS = statement(
  'take_dependents',
  `with recursive seen as materialized (
    select a.*, j.id is not null as waits, j.group_name, j.queue, j.seq from (
      select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
      where kind = 'depend' and shard = $1 and id > $2::bigint order by id limit 500) a
    left join lateral (
      select id, group_name, queue, seq from simple_queue.job
      where id = a.job and shard = $1 and epoch = a.epoch and commit_by is not null offset 0) j on true),
  pairs as materialized (
    select s.id, s.job, s.group_name, s.queue, s.seq, t.id::uuid as awaits from seen s
    cross join lateral jsonb_array_elements_text(s.awaits) t(id)),
  over as materialized (
    select u.id, e.state is distinct from 'succeeded' as fails from (select distinct awaits as id from pairs) u
    cross join lateral (select ${lives('u.id')} as live offset 0) l
    ${endOf('u.id', 'not l.live')}
    where not l.live),
  touched as (
    select p.id, p.job, o.fails from pairs p join over o on o.id = p.awaits
    union select id, job, false from seen where not waits
    union select p.id, p.job, true from pairs p where ${isBehind('p.awaits', 'p')}
    union select p.id, p.job, true from touched t join pairs p on p.awaits = t.job where t.fails),
  page as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id = any(array(select distinct t.id from touched t)) order by id for update skip locked),
  staged as materialized (
    select id, epoch, group_name, queue, seq from simple_queue.job where shard = $1 and id = any(array(select job from page))
      and commit_by > statement_timestamp() for update skip locked),
  looked as materialized (
    select p.id, u.id as awaits, l.live, b.behind or not l.live and e.state is distinct from 'succeeded' as fails,
      case when b.behind then '${BEHIND}' else e.state end as state
    from page p join staged s on s.id = p.job and s.epoch = p.epoch
    cross join lateral jsonb_array_elements_text(p.awaits) t(id)
    cross join lateral (select t.id::uuid as id offset 0) u
    cross join lateral (select ${lives('u.id')} as live offset 0) l
    cross join lateral (select ${isBehind('u.id', 's')} as behind offset 0) b
    ${endOf('u.id', 'not l.live')}),
  failing as (
    select id, awaits, state from looked where fails
    union select l.id, l.awaits, 'expired' from failing f join page p on p.id = f.id join looked l on l.awaits = p.job and l.live),
  first as materialized (
    select distinct on (id) id, jsonb_build_object('id', awaits, 'state', state) as failed from failing order by id),
  found as materialized (
    select l.id, jsonb_agg(l.awaits) filter (where l.live) as open, bool_or(not l.live) as fewer, f.failed
    from looked l left join first f on f.id = l.id group by l.id, f.failed),
  gone as (
    delete from simple_queue.arrival a where kind = 'depend' and shard = $1 and a.id = any(array(
      select id from found where failed is not null or open is null
      union all select p.id from page p where not exists (
        select from simple_queue.job j where j.id = p.job and j.shard = $1 and j.epoch = p.epoch and j.commit_by is not null offset 0)))),
  struck as (
    update simple_queue.arrival a set more = jsonb_set(more, '{awaits}', f.open) from found f
    where a.kind = 'depend' and a.shard = $1 and a.id = f.id and a.id = any(array(
      select id from found where failed is null and open is not null and fewer)))
  select coalesce((select jsonb_agg(jsonb_build_object('id', p.job, 'failed', f.failed) order by p.id)
      from page p join found f on f.id = p.id where f.failed is not null or f.open is null), '[]') as decided,
    (select s.id from seen s order by s.id offset 499 limit 1)::text as last`,
);
