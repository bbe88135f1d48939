import { statement } from '../connection/statement.js';
import { endOf, lives } from '../workflows/awaited.sql.js';

/** Of the arrival a. */
export const ALL_LIVE = `not exists (
        select from jsonb_array_elements_text(a.more -> 'awaits') u(id) where not (${lives('u.id::uuid')}))`;

const isKnown = (id: string): string => `${lives(id)}
      or exists (select from simple_queue.archive e where e.id = ${id} and e.shard = $1 offset 0)
      or exists (select from simple_queue.dead_letter e where e.id = ${id} and e.shard = $1 offset 0)`;

/** Staged jobs, and what each depends on. The epoch tells them from another life under the same id. Nothing of the others is locked or changed. */
export const STORE_DEPENDENTS = statement(
  'store_dependents',
  `insert into simple_queue.arrival (shard, kind, job, more)
  select $1, 'depend', j.id, pg_catalog.jsonb_build_object('epoch', j.epoch, 'awaits', u.awaits::jsonb)
  from unnest($2::uuid[], $3::text[]) u(id, awaits) join simple_queue.job j on j.id = u.id and j.shard = $1`,
);

/**
 * One of the jobs that these would depend on ($5) of which nothing is known, alive or ended. Those that are known themselves, by their id ($2) or
 * key ($4), are stored already: they may have outlived what they depended on.
 */
export const FIND_UNKNOWN_DEPENDENCY = statement(
  'find_unknown_dependency',
  `select t.id from unnest($2::uuid[], $3::int[], $4::text[], $5::text[]) u(id, queue, unique_key, awaits)
  cross join lateral pg_catalog.jsonb_array_elements_text(u.awaits::jsonb) t(id)
  where not (${isKnown('t.id::uuid')}) and not (${isKnown('u.id')})
    and not exists (select from simple_queue.job k where k.unique_key = u.unique_key and k.shard = $1 and k.queue = u.queue offset 0)
  limit 1`,
);

/** What the job $2 still depends on. */
export const FIND_DEPENDENCIES = statement(
  'find_dependencies',
  `select more -> 'awaits' as awaits from simple_queue.arrival where kind = 'depend' and shard = $1 and job = $2::uuid order by id desc limit 1`,
);

/**
 * Jobs behind $2 that depend on others, 500 a look: those for which something has ended, which are locked. Whoever only waits is read, and nothing of it is
 * written. A row is one job, whose lock decides who goes on with it; jobs that a caller holds are left for the next look. What has succeeded is struck out: it
 * may not be kept as long as the others take. Back come those that have nothing left (`failed` null), and those of which one has not succeeded, or is about to
 * end with this page; the caller commits or ends them in the same transaction. `last`: there may be more behind it.
 */
export const TAKE_DEPENDENTS = statement(
  'take_dependents',
  `with recursive seen as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id > $2::bigint order by id limit 500),
  pairs as materialized (
    select s.id, s.job, t.id::uuid as awaits from seen s cross join lateral jsonb_array_elements_text(s.awaits) t(id)),
  over as materialized (
    select u.id, e.state is distinct from 'succeeded' as fails from (select distinct awaits as id from pairs) u
    cross join lateral (select ${lives('u.id')} as live offset 0) l
    ${endOf('u.id', 'not l.live')}
    where not l.live),
  touched as (
    select p.id, p.job, o.fails, 1 as depth from pairs p join over o on o.id = p.awaits
    union select s.id, s.job, false, 1 from seen s where not exists (
      select from simple_queue.job j where j.id = s.job and j.shard = $1 and j.epoch = s.epoch and j.commit_by is not null offset 0)
    union select p.id, p.job, true, t.depth + 1 from touched t join pairs p on p.awaits = t.job where t.fails and t.depth < 100),
  asked as materialized (select distinct id from touched order by id limit 100),
  page as materialized (
    select id, job, (more ->> 'epoch')::int as epoch, more -> 'awaits' as awaits from simple_queue.arrival
    where kind = 'depend' and shard = $1 and id = any(array(select f.id from asked f)) order by id for update skip locked),
  staged as materialized (
    select id, epoch from simple_queue.job where shard = $1 and id = any(array(select job from page))
      and commit_by > statement_timestamp() for update skip locked),
  looked as materialized (
    select p.id, u.id as awaits, l.live, e.state from page p join staged s on s.id = p.job and s.epoch = p.epoch
    cross join lateral jsonb_array_elements_text(p.awaits) t(id)
    cross join lateral (select t.id::uuid as id offset 0) u
    cross join lateral (select ${lives('u.id')} as live offset 0) l
    ${endOf('u.id', 'not l.live')}),
  failing as (
    select id, awaits, state from looked where not live and state is distinct from 'succeeded'
    union select l.id, l.awaits, 'expired' from failing f join page p on p.id = f.id join looked l on l.awaits = p.job and l.live),
  found as materialized (
    select id, jsonb_agg(awaits) filter (where live) as open, bool_or(not live) as fewer,
      (select jsonb_build_object('id', f.awaits, 'state', f.state) from failing f where f.id = l.id limit 1) as failed
    from looked l group by id),
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
    coalesce((select f.id from asked f order by f.id offset 99 limit 1), (select s.id from seen s order by s.id offset 499 limit 1))::text as last`,
);
