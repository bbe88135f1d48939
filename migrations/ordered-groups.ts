import { HOT, SMALL } from './storage-parameters.js';

/**
 * Ordered groups, staged jobs and fair queues; see docs/adr/0011-turns-in-ordered-groups.md. A group has a `head` row while it is active, and then
 * its turn is held by exactly one: a live job that is not in `blocked`, a row in `vacant`, or the dead job that `head` names.
 */
export const ORDERED_GROUPS = [
  // The order within groups: drawn under the group's lock, so that it is the order of the commits.
  `create sequence simple_queue.turn`,
  `create table simple_queue.head (
    group_name text not null,
    shard smallint not null,
    queue int not null,
    dead uuid,
    dead_seq bigint,
    dead_at simple_queue.moment,
    dead_until simple_queue.moment,
    halts boolean not null default false,
    primary key (group_name, shard, queue),
    check ((dead is null) = (dead_seq is null) and (dead is null) = (dead_at is null) and (dead is null) = (dead_until is null)
      and (dead is not null or not halts))
  ) with (${HOT})`,
  `create index head_halts on simple_queue.head (queue, shard) where halts`,
  // For who looks what is blocked, and for what ends it when the dead job is no longer kept.
  `create index head_dead on simple_queue.head (dead_at, shard) where dead is not null`,
  `create index head_until on simple_queue.head (dead_until, shard) where dead_until is not null`,
  // By queue: whoever hands turns on hops over the queues, past those that are halted.
  `create table simple_queue.vacant (
    group_name text not null,
    shard smallint not null,
    queue int not null,
    primary key (queue, shard, group_name)
  ) with (${SMALL})`,
  `create table simple_queue.blocked (
    group_name text not null,
    shard smallint not null,
    queue int not null,
    seq bigint not null,
    id uuid not null,
    lane int not null,
    epoch simple_queue.epoch not null,
    primary key (group_name, shard, queue, seq)
  ) with (${HOT})`,
  // As `scheduled_lane`: only for counting what waits in a queue.
  `create index blocked_lane on simple_queue.blocked (lane, shard) where lane > 0`,
  `create table simple_queue.fair_ready (
    lane int not null,
    shard smallint not null,
    group_name text not null,
    priority smallint not null,
    run_at simple_queue.moment not null,
    id uuid not null,
    epoch simple_queue.epoch not null,
    primary key (lane, shard, group_name, priority, run_at, id)
  ) with (${HOT})`,
  `create table simple_queue.staged (
    id uuid not null,
    shard smallint not null,
    lane int not null,
    epoch simple_queue.epoch not null,
    primary key (id, shard)
  ) with (${HOT})`,
  `create index staged_lane on simple_queue.staged (lane, shard) where lane > 0`,
];
