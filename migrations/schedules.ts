import { SMALL } from './storage-parameters.js';

/**
 * Schedules and their ticks; see docs/adr/0030-schedules-are-rows.md. A schedule is moved on by whoever finds its `next_at` unchanged, and a
 * time has one tick, by its key.
 */
export const SCHEDULES = [
  `create table simple_queue.schedule (
    name text not null check (length(name) between 1 and 200),
    shard smallint not null,
    owner text not null,
    spec jsonb not null,
    payload json,
    hash text not null,
    declared boolean not null default false,
    seen_by uuid,
    announced_at simple_queue.moment,
    created_at simple_queue.moment not null default statement_timestamp(),
    paused_at simple_queue.moment,
    next_at simple_queue.moment,
    last_at simple_queue.moment,
    jobs uuid[] not null default '{}',
    waiting int not null default 0 check (waiting >= 0),
    primary key (name, shard)
  ) with (${SMALL})`,
  `create index schedule_next on simple_queue.schedule (next_at, shard) where paused_at is null`,
  `create index schedule_waiting on simple_queue.schedule (waiting, shard) where waiting > 0`,
  `create table simple_queue.tick (
    schedule text not null,
    shard smallint not null,
    at simple_queue.moment not null,
    made_at simple_queue.moment not null default statement_timestamp(),
    outcome text not null
      check (outcome in ('enqueued', 'waiting', 'skipped', 'missed', 'existing', 'refused', 'triggered', 'backfilled')),
    job uuid,
    times int,
    code text,
    primary key (schedule, shard, at)
  )`,
  `create index tick_made on simple_queue.tick (made_at, shard)`,
  `create index tick_waiting on simple_queue.tick (schedule, shard, at) where outcome = 'waiting'`,
];
