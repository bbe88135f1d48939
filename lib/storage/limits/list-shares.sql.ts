import { statement } from '../connection/statement.js';
import { FIRST_MS, HELD_MS } from './buckets.sql.js';

/**
 * Limits with who shares in them, for people: those of these names ($2; null: all), or those that a job obeys ($3), as far as a process that serves its
 * lane has said so. Of a queue that has none, only a rest that is not over. Of each share a few of the jobs that it holds.
 */
export const LIST_SHARES = statement(
  'list_shares',
  `with asked as materialized (
    select j.lane, q.name from (select lane, queue from simple_queue.job where id = $3::uuid and shard = $1) j
    cross join lateral (select name from simple_queue.queue where id = j.queue) q)
  select l.name, l.of_queue as "ofQueue", l.concurrency, l.rate, l.per_ms as "perMs", l.burst, l.strict, l.rule, l.set_at as "setAt", l.version,
    coalesce(${HELD_MS}, 0) as "heldMs", coalesce(greatest(0, ${FIRST_MS}), 0) as "rateMs", statement_timestamp() as "seenAt", l.allotted, coalesce(s.shares, '[]') as shares
  from simple_queue.fleet_limit l left join lateral (
    select json_agg(json_build_object('holder', coalesce(e.worker, a.holder, 'a process that is gone'), 'n', a.n, 'wanted', a.wanted,
      'declares', a.declares, 'lanes', a.lanes, 'live', coalesce(coalesce(a.expires_at, e.expires_at) > statement_timestamp(), false), 'jobs', array(
        select u.id from simple_queue.claim c cross join lateral unnest(c.jobs) u(id)
        where c.shard = $1 and c.lease = a.lease and (a.lanes = '{}' or exists (
          select from simple_queue.job j where j.id = u.id and j.shard = $1 and j.lane = any(a.lanes))) limit 3)) order by a.n desc) as shares
    from simple_queue.allotment a left join simple_queue.lease e on e.id = a.lease and e.shard = $1
    where a.name = l.name and a.shard = $1 and (a.expires_at is null or a.wanted > 0)) s on true
  where l.shard = $1 and (coalesce(l.concurrency, l.rate) is not null or l.set_at is not null or l.held_until > statement_timestamp()) and ($2::text[] is null or l.name = any($2)) and ($3::uuid is null or exists (
    select from asked k where l.of_queue and l.name = k.name or exists (
      select from simple_queue.allotment a where a.name = l.name and a.shard = $1 and k.lane = any(a.lanes))))
  order by l.name limit 1000`,
);

/**
 * What the code declares holds again, from the next declaration on, and nothing rests any more; with $3 only the rest ends, and what an operator has
 * set stays. No row: there is no such limit.
 */
export const RESET_LIMIT = statement(
  'reset_limit',
  `update simple_queue.fleet_limit set set_at = case when $3 then set_at end, held_until = null, version = version + 1
  where name = $2 and shard = $1 returning 1`,
);
