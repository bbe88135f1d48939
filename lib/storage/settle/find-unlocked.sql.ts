import { statement } from '../connection/statement.js';

/**
 * Which of these jobs nobody else holds locked right now, those that are gone among them. Asked after a batch ran into a lock:
 * skip locked finds all of its locked jobs at once, where waiting for one after another would take a lock timeout each.
 */
export const FIND_UNLOCKED = statement(
  'find_unlocked',
  `with free as materialized (
    select id from simple_queue.job where shard = $1 and id = any($2::uuid[]) for update skip locked)
  select u.id from pg_catalog.unnest($2::uuid[]) u(id)
  where exists (select from free f where f.id = u.id)
    or not exists (select from simple_queue.job j where j.id = u.id and j.shard = $1)`,
);
