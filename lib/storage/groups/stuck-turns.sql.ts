import { statement } from '../connection/statement.js';
import { TRY_GROUP } from './group-locks.sql.js';

/** The first live job of a group has its turn unless it is blocked; where none has it, and nobody else does, a look at three keys says so. */
const isStuck = (g: string): string => `not exists (select from simple_queue.vacant v
        where v.queue = ${g}.queue and v.shard = $1 and v.group_name = ${g}.group_name offset 0)
      and not exists (
        select from (select seq from simple_queue.job
          where group_name = ${g}.group_name and shard = $1 and queue = ${g}.queue and seq is not null order by seq limit 1) l
        where not exists (select from simple_queue.blocked
          where group_name = ${g}.group_name and shard = $1 and queue = ${g}.queue and seq = l.seq offset 0))`;

/**
 * A page of groups behind $2 and $3, and of those the ones whose turn nobody holds; the last row is where a full page ended. Locked as in
 * `take_vacant`, where the lock was to be had: what `free_turns` sees behind it stays so.
 */
export const FIND_STUCK = statement(
  'find_stuck',
  `with page as materialized (
    select group_name, queue, dead from simple_queue.head
    where (group_name, shard, queue) > ($2::text, $1::smallint, $3::int) and shard = $1 order by group_name, queue limit 1000),
  stuck as materialized (
    select group_name, queue from page p where dead is null and ${isStuck('p')})
  (select group_name as "group", queue, ${TRY_GROUP} as free, false as "isLast" from stuck)
  union all
  (select group_name, queue, false, true from page order by group_name, queue offset 999)`,
);

/** Makes the turns of these groups vacant, where they still are nobody's. */
export const FREE_TURNS = statement(
  'free_turns',
  `insert into simple_queue.vacant (group_name, shard, queue)
  select h.group_name, $1, h.queue from unnest($2::text[], $3::int[]) u(group_name, queue)
  cross join lateral (
    select group_name, queue from simple_queue.head
    where group_name = u.group_name and shard = $1 and queue = u.queue and dead is null limit 1) h
  where ${isStuck('h')}
  on conflict do nothing
  returning queue`,
);
