import { HOT } from './storage-parameters.js';

/**
 * Ids that callers gave: one look by key says that an id is new, so that an enqueue need not look for it in all that is kept. A row says
 * nothing of its job: an id that is known here, and has no job any more, is free. It outlives its job until the janitor looks at it.
 */
export const GIVEN_IDS = [
  `create table simple_queue.given_id (
    id uuid not null,
    shard smallint not null,
    noted_at simple_queue.moment not null default statement_timestamp(),
    primary key (id, shard)
  ) with (${HOT})`,
  // Only for the purge, which says so; a planner might take it for look-ups by id else.
  `create index given_id_noted on simple_queue.given_id (noted_at, shard) where noted_at > '-infinity'`,
  // Distinguishes these tables from others: jobs that waited on a disk go to no other database.
  `do $$ begin execute pg_catalog.format('comment on table simple_queue.given_id is %L', pg_catalog.gen_random_uuid()); end $$`,
];
