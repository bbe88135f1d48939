import { statement } from '../connection/statement.js';
import { lockedGroups } from '../groups/group-locks.sql.js';
import { isLost, turnless } from '../places/lost.sql.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';

/** The first statement of a restore: nobody enqueues to the ordered groups of these jobs, or ends them, until the transaction ends. */
export const LOCK_GROUPS_OF = statement(
  'lock_groups_of',
  `with ${lockedGroups('select distinct queue, group_name from simple_queue.job where shard = $1 and id = any($2::uuid[]) and seq is not null')}
  select count(*)::int as locks from locked`,
);

/**
 * Puts jobs that stand in no place back where they belong. One of an ordered group waits for its turn, as it did before; where nobody has the turn
 * of its group it is vacant, and the turn duty hands it on. At a new epoch: nothing of what they were before counts any more, and of two that
 * restore a job one does. What a job depends on is known by its epoch, and moves on with it. A second statement behind the groups' locks, so that it sees who has their turns.
 */
export const RESTORE = statement(
  'restore',
  `with target as materialized (
    select j.id, j.epoch from simple_queue.job j where j.shard = $1 and j.id = any($2::uuid[])
      and ${isLost('j')}),
  moved as (
    update simple_queue.job j set epoch = j.epoch + 1 from target t
    where j.id = t.id and j.shard = $1 and j.epoch = t.epoch
    returning j.id, j.lane, j.queue, j.priority, j.run_at, j.epoch, j.suspicion, j.group_name, j.seq, j.fair, j.commit_by, j.limit_key),
  free as materialized (select * from moved where seq is null),
  awaiting as (
    update simple_queue.arrival a set more = pg_catalog.jsonb_set(a.more, '{epoch}'::text[], pg_catalog.to_jsonb(w.epoch)) from (
      select o.id, m.epoch from moved m cross join lateral (
        select id from simple_queue.arrival
        where kind = 'depend' and shard = $1 and job = m.id and (more ->> 'epoch'::text)::int = m.epoch - 1 order by id for update) o
      where m.commit_by is not null) w
    where a.kind = 'depend' and a.shard = $1 and a.id = w.id),
  ${placed('free', ['staged', 'scheduled', 'suspect', 'fair_ready', 'ready', 'keyed'])},
  ${permitsAskedAnew('moved t')},
  blocked as (
    insert into simple_queue.blocked (group_name, shard, queue, seq, id, lane, epoch)
    select group_name, $1, queue, seq, id, lane, epoch from moved where seq is not null),
  grouped as materialized (select distinct group_name, queue from moved where seq is not null),
  headed as (
    insert into simple_queue.head (group_name, shard, queue) select group_name, $1, queue from grouped on conflict do nothing),
  vacated as (
    insert into simple_queue.vacant (group_name, shard, queue)
    select g.group_name, $1, g.queue from ${turnless('grouped')}
    on conflict do nothing)
  select id, lane, fair, seq is not null or suspicion > 0 or run_at > statement_timestamp() or commit_by is not null as later, limit_key is not null as keyed from moved`,
);
