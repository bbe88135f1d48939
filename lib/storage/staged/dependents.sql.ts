import { statement } from '../connection/statement.js';
import { isKnown } from '../workflows/awaited.sql.js';

/** Staged jobs, and what each depends on. The epoch tells them from another life under the same id. Nothing of the others is locked or changed. */
export const STORE_DEPENDENTS = statement(
  'store_dependents',
  `insert into simple_queue.arrival (shard, kind, job, more)
  select $1, 'depend', j.id, pg_catalog.jsonb_build_object('epoch', j.epoch, 'awaits', u.awaits::jsonb)
  from unnest($2::uuid[], $3::text[]) u(id, awaits) join simple_queue.job j on j.id = u.id and j.shard = $1`,
);

/** What the workers of queue q have said last: nobody remembers what has succeeded. */
const FORGETS = `q.policy -> 'archive'::text = 'null'::jsonb`;

/**
 * One of the jobs that these would depend on ($5, and $6 of their own call and queue) whose success nobody will know, with the reason. Those that are known
 * themselves, by their id ($2) or key ($4), are stored already: they may have outlived what they depended on.
 */
export const FIND_UNKNOWN_DEPENDENCY = statement(
  'find_unknown_dependency',
  `select t.id, n.why from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[]) u(id, queue, unique_key, awaits, own)
  cross join lateral (
    select a.id from pg_catalog.jsonb_array_elements_text(u.awaits::jsonb) a(id) union all select u.own where u.own is not null) t(id)
  cross join lateral (select case
    when t.id = u.own then (select 'unkept'::text from simple_queue.queue q where q.id = u.queue and ${FORGETS})
    when ${isKnown('t.id::uuid')} then (
      select 'unkept'::text from simple_queue.job j join simple_queue.queue q on q.id = j.queue
      where j.id = t.id::uuid and j.shard = $1 and ${FORGETS}
        and not exists (select from simple_queue.step o where o.id = j.id and o.shard = $1 offset 0))
    when exists (select from simple_queue.workflow w where w.id = t.id::uuid and w.shard = $1) then 'workflow'::text
    when exists (select from simple_queue.step o where o.id = t.id::uuid and o.shard = $1) then 'unused'::text
    else 'unknown'::text end as why offset 0) n
  where n.why is not null and not (${isKnown('u.id')})
    and not exists (select from simple_queue.job k where k.unique_key = u.unique_key and k.shard = $1 and k.queue = u.queue offset 0)
  limit 1`,
);

/**
 * One of the jobs $2, which depend on others, whose id was there before (made by the library: $3; given by callers: noted), while others wait for the job of that
 * id: it could wait for itself. Others than those are new, and nobody waits for them. What is live or kept is stored already.
 */
export const FIND_RETURNING = statement(
  'find_returning',
  `select k.id from unnest($2::uuid[], $3::boolean[]) k(id, made) where case
    when k.made or exists (select from simple_queue.given_id g where g.id = k.id and g.shard = $1 offset 0)
    then (exists (
        select from simple_queue.arrival a join simple_queue.job j on j.id = a.job and j.shard = $1
          and j.epoch = (a.more ->> 'epoch'::text)::int and j.commit_by is not null
        where a.kind = 'depend' and a.shard = $1 and a.more -> 'awaits'::text ? k.id::text)
      or exists (
        select from simple_queue.arrival a join simple_queue.step o on o.id = a.job and o.shard = $1
        where a.kind = 'wait' and a.shard = $1 and o.awaits = k.id))
      and not (${isKnown('k.id')}) end
  limit 1`,
);
