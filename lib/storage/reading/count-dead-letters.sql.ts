import { statement } from '../connection/statement.js';

/** How the dead letters of some lanes ($2) ended: the newest $3 of each lane are counted. */
export const COUNT_DEAD_LETTERS = statement(
  'count_dead_letters',
  `select d.state, count(*)::int as jobs from unnest($2::int[]) q(lane) cross join lateral (
    select state from simple_queue.dead_letter where lane = q.lane and shard = $1 order by id desc limit $3::int) d
  group by d.state`,
);
