import { statement } from '../statement.js';

/** A page of what runs in some lanes ($2), by id. What runs is bounded by the fleet's concurrency, so it is read along the claims. */
export const LIST_RUNNING = statement(
  'list_running',
  `select j.id from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
  cross join lateral (select id, lane from simple_queue.job where id = u.id and shard = $1 and epoch = u.epoch offset 0) j
  where c.shard = $1 and j.lane = any($2::int[]) and j.id > $3::uuid order by j.id limit $4::int`,
);
