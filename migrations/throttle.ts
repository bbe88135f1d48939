import { HOT } from './storage-parameters.js';

/**
 * Which keys have let in a job for now (`onConflict: 'throttle'`): outlives the job, whatever is kept of it. A row is taken over by the
 * next period of its key; the janitor purges what nobody asked for again.
 */
export const THROTTLE = [
  `create table simple_queue.throttle (
    unique_key simple_queue.tag not null,
    shard smallint not null,
    queue int not null,
    job uuid not null,
    ends_at simple_queue.moment not null,
    primary key (unique_key, shard, queue)
  ) with (${HOT})`,
  // Only for the purge, which says so; a planner might take it for look-ups by key else.
  `create index throttle_end on simple_queue.throttle (ends_at, shard) where queue > 0`,
];
