import { statement } from '../connection/statement.js';
import { lives } from '../workflows/awaited.sql.js';

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

/**
 * One of the jobs $2 whose id was there before (made by the library: $4; given by callers: noted), and that would wait for itself: what it depends on ($3) waits
 * for the job of its id. Others than those are new, and nobody waits for them. What is live or kept is stored already.
 */
export const FIND_CIRCLE = statement(
  'find_circle',
  `with recursive asking as materialized (
    select u.id, u.awaits::jsonb as awaits, u.made from unnest($2::uuid[], $3::text[], $4::boolean[]) u(id, awaits, made)),
  back as materialized (
    select id, awaits from asking k where case
      when k.made or exists (select from simple_queue.given_id g where g.id = k.id and g.shard = $1 offset 0)
      then exists (select from simple_queue.arrival a where a.kind = 'depend' and a.shard = $1 and a.more -> 'awaits'::text ? k.id::text)
        and not (${isKnown('k.id')}) end),
  path as (
    select r.id as start, t.id::uuid from back r cross join lateral pg_catalog.jsonb_array_elements_text(r.awaits) t(id)
    union
    select p.start, t.id::uuid from path p cross join lateral (
      select k.awaits from asking k where k.id = p.id
      union all
      select a.more -> 'awaits'::text from simple_queue.arrival a
      join simple_queue.job j on j.id = a.job and j.shard = $1 and j.epoch = (a.more ->> 'epoch'::text)::int and j.commit_by is not null
      where a.kind = 'depend' and a.shard = $1 and a.job = p.id) n
    cross join lateral pg_catalog.jsonb_array_elements_text(n.awaits) t(id))
  select start as id from path where id = start limit 1`,
);
