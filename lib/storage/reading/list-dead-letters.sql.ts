import { statement } from '../connection/statement.js';

/** A page of the dead letters of some lanes ($2), newest id first, along an index that only jobs which end badly pay for. */
export const LIST_DEAD_LETTERS = statement(
  'list_dead_letters',
  `select d.id from unnest($2::int[]) q(lane) cross join lateral (
    select id from simple_queue.dead_letter where lane = q.lane and shard = $1 and id < $3::uuid order by id desc limit $4::int) d
  order by d.id desc limit $4::int`,
);
