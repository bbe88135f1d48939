import { statement } from '../connection/statement.js';

/**
 * The reaper's first statement: deletes leases that nobody renewed. Skip locked: a lease that is being renewed right now is
 * alive, and two reapers share the work. A statement of its own, so that the second one sees these leases gone.
 * What a pulled lease held is remembered for a day, so that its worker can be told what it has lost.
 * A row without a lease: none has lapsed, and there may be something to give back all the same, so the second one has to look.
 */
export const EXPIRE_LEASES = statement(
  'expire_leases',
  `with gone as (
    delete from simple_queue.lease where shard = $1 and ctid = any(array(
      select ctid from simple_queue.lease where shard = $1 and expires_at < statement_timestamp() limit 100 for update skip locked))
    returning id, worker, jobs),
  remembered as (
    insert into simple_queue.lapsed (id, shard, jobs) select id, $1, jobs from gone where jobs is not null),
  forgotten as (
    delete from simple_queue.lapsed where shard = $1 and ctid = any(array(
      select ctid from simple_queue.lapsed where shard = $1 and lapsed_at < statement_timestamp() - interval '1 day'
      limit 100 for update skip locked)))
  select id::text as "leaseId", worker, jobs::text[] as jobs from gone
  union all
  select null, null, null where not exists (select from gone) and (exists (select from simple_queue.allotment where shard = $1)
    or exists (select from simple_queue.claim c
      where c.shard = $1 and not exists (select from simple_queue.lease l where l.id = c.lease and l.shard = $1)))`,
);
