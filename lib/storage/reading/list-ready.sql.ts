import { statement } from '../connection/statement.js';

/** A page of what is ready in some lanes ($2), in the order in which it would run, along the claim's own index. */
export const LIST_READY = statement(
  'list_ready',
  `select r.id, r.priority, r.run_at::text as at from unnest($2::int[]) q(lane) cross join lateral (
    select id, priority, run_at from simple_queue.ready
    where lane = q.lane and shard = $1 and (priority, run_at, id) > ($3::smallint, $4::timestamptz, $5::uuid)
    order by priority, run_at, id limit $6::int) r
  order by r.priority, r.run_at, r.id limit $6::int`,
);
