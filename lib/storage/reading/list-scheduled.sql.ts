import { statement } from '../connection/statement.js';

/**
 * A page of what is scheduled in some lanes ($2, null: all), soonest first. No index leads by lane, which every delayed job would pay for:
 * at most $6 rows are walked, and where that was not enough, the last of them says where to go on.
 */
export const LIST_SCHEDULED = statement(
  'list_scheduled',
  `with walked as materialized (
    select id, run_at, lane from simple_queue.scheduled where shard = $1 and (run_at, id) > ($3::timestamptz, $4::uuid)
    order by run_at, id limit $6::int),
  hit as materialized (
    select id, run_at from walked where $2::int[] is null or lane = any($2::int[]) order by run_at, id limit $5::int)
  (select id, run_at::text as at, true as hit from hit order by run_at, id) union all
  (select id, run_at::text, false from walked where (select count(*) from hit) < $5::int and (select count(*) from walked) = $6::int
    order by run_at desc, id desc limit 1)`,
);
