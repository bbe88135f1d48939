import { SMALL } from './storage-parameters.js';

/**
 * How many more jobs a queue takes under a `maxPending` before its waiting jobs are counted again (ADR 0052). Written by who holds the
 * queue's lock; a transaction that rolls back takes nothing.
 */
export const HEADROOM = [
  `create table simple_queue.headroom (
    queue int not null,
    shard smallint not null,
    most int not null,
    free int not null check (free >= 0),
    counted_at simple_queue.moment not null,
    primary key (queue, shard)
  ) with (${SMALL})`,
];
