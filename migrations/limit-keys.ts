import { HOT, SMALL } from './storage-parameters.js';

/**
 * Limits per key; see docs/adr/0035-permits-of-a-key.md. A job with a key waits in `keyed` until it has a permit: a row in `permit` under the next
 * free slot, whose unique index is the limit. Whoever puts a job there, or ends one that has a permit, leaves a row in `key_change`, so
 * that nobody looks at keys in which nothing has changed.
 */
export const LIMIT_KEYS = [
  `create table simple_queue.keyed (
    limit_key text not null,
    shard smallint not null,
    queue int not null,
    priority smallint not null,
    run_at simple_queue.moment not null,
    id uuid not null,
    lane int not null,
    epoch simple_queue.epoch not null,
    primary key (limit_key, shard, queue, priority, run_at, id)
  ) with (${HOT})`,
  // As `scheduled_lane`: only for counting what waits in a queue.
  `create index keyed_lane on simple_queue.keyed (lane, shard) where lane > 0`,
  `create table simple_queue.permit (
    id uuid not null,
    shard smallint not null,
    limit_key text not null,
    queue int not null,
    slot bigint not null check (slot >= 0),
    primary key (id, shard)
  ) with (${HOT})`,
  // All slots are: the condition keeps the index from planners that would take it for one of ids.
  `create unique index permit_slot on simple_queue.permit (limit_key, shard, queue, slot) where slot >= 0`,
  `create table simple_queue.key_change (
    due_at simple_queue.moment not null default statement_timestamp(),
    shard smallint not null,
    seq bigint not null generated always as identity,
    limit_key text not null,
    queue int not null,
    primary key (due_at, shard, seq)
  ) with (${SMALL})`,
  // When the bucket of a key will be full; one that is gone is full.
  `create table simple_queue.key_bucket (
    limit_key text not null,
    shard smallint not null,
    queue int not null,
    next_at simple_queue.moment not null,
    primary key (limit_key, shard, queue)
  ) with (${HOT})`,
  `create index key_bucket_full on simple_queue.key_bucket (next_at, shard)`,
];
