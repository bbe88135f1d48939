import { isMoment } from './values.js';

/**
 * What workers count, a row per minute, lane and process, and `grain` 0. The janitor sums up processes (1), and after two days the minutes
 * of an hour (2): see docs/adr/0037-a-tally-in-the-database.md. `wait` and `run` count by powers of two, in milliseconds.
 */
export const TALLY = [
  `create table simple_queue.tally (
    lane int not null,
    shard smallint not null,
    minute simple_queue.moment not null,
    grain smallint not null default 0 check (grain between 0 and 2),
    worker text not null,
    expires_at timestamptz not null,
    started bigint not null,
    succeeded bigint not null,
    retried bigint not null,
    rescheduled bigint not null,
    released bigint not null,
    cancelled bigint not null,
    failed bigint not null,
    lost bigint not null,
    wait bigint[] not null,
    run bigint[] not null,
    primary key (lane, shard, minute, grain, worker, expires_at),
    check (${isMoment('expires_at')})
  ) partition by range (expires_at)`,
  `create table simple_queue.tally_default partition of simple_queue.tally default`,
  `create index tally_default_expiry on simple_queue.tally_default (expires_at, shard)`,
  `create index tally_time on simple_queue.tally (minute, shard)`,
  `create index tally_processes on simple_queue.tally (minute, shard) where grain = 0`,
  `create index tally_minutes on simple_queue.tally (minute, shard) where grain = 1`,
];
