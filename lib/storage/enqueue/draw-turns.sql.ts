import { statement } from '../connection/statement.js';
import { lockedGroups } from '../groups/group-locks.sql.js';

/**
 * For a batch of several statements: locks all its groups, in one order for all, and draws the numbers of its jobs, so that they run in
 * the order of the caller's array however the statements are cut. Drawn after the locks: the number of a group follows its commits.
 */
export const DRAW_TURNS = statement(
  'draw_turns',
  `with ${lockedGroups('select distinct queue, group_name from unnest($1::int[], $2::text[]) u(queue, group_name)')}
  select pg_catalog.nextval('simple_queue.turn')::text as seq from (select from pg_catalog.generate_series(1, $3::int), (select count(*) from locked) l) n`,
);
