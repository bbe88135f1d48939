import { SMALL } from './storage-parameters.js';
import { LIMIT_NAME } from './values.js';

/**
 * Limits across the fleet; see docs/adr/0032-shares-of-a-limit.md. `allotted` is the sum of the shares in `allotment`: no statement changes the one
 * without the other, so it cannot drift, and its row decides what fits. A share belongs to a lease, or ends at `expires_at` where it has none.
 */
export const LIMITS = [
  `create table simple_queue.fleet_limit (
    name text not null check (${LIMIT_NAME}),
    shard smallint not null,
    of_queue boolean not null,
    concurrency int check (concurrency > 0),
    rate int check (rate > 0),
    per_ms int check (per_ms > 0),
    step_ms float8 check (step_ms > 0),
    burst int check (burst > 0),
    strict boolean not null default false,
    rule text not null,
    set_at simple_queue.moment,
    version int not null default floor(random() * 1000000)::int + 1,
    allotted int not null default 0 check (allotted >= 0),
    granted int not null default 0,
    next_at simple_queue.moment not null default statement_timestamp(),
    held_until simple_queue.moment,
    primary key (name, shard),
    check ((rate is null) = (per_ms is null) and (rate is null) = (step_ms is null) and (rate is null) = (burst is null))
  ) with (${SMALL})`,
  `create table simple_queue.allotment (
    name text not null,
    shard smallint not null,
    lease uuid not null,
    n int not null check (n >= 0),
    wanted int not null check (wanted >= 0),
    turn_at simple_queue.moment not null default statement_timestamp(),
    lanes int[] not null default '{}',
    declares text,
    holder text,
    expires_at simple_queue.moment,
    primary key (name, shard, lease)
  ) with (${SMALL})`,
];
