import { statement } from '../statement.js';

/** Deletes ended jobs ($2) for good, as far as they still stand in one of the states $3. The caller bounds the list. */
export const PURGE_ENDED = statement(
  'purge_ended',
  `with undead as (
    delete from simple_queue.dead_letter where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) returning id),
  unkept as (
    delete from simple_queue.archive where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) returning id)
  select (select count(*) from undead)::int + (select count(*) from unkept)::int as purged`,
);
