import { statement } from '../connection/statement.js';

/** A page of all dead letters, newest id first, along their key: lane by lane they would be 100,000 looks where there are as many queues. */
export const LIST_ALL_DEAD_LETTERS = statement(
  'list_all_dead_letters',
  `select id from simple_queue.dead_letter where shard = $1 and id < $2::uuid order by id desc limit $3::int`,
);

/** A page of the dead letters of some lanes ($2), newest id first, along an index that only jobs which fail for good pay for. */
export const LIST_DEAD_LETTERS = statement(
  'list_dead_letters',
  `select d.id from unnest($2::int[]) q(lane) cross join lateral (
    select id from simple_queue.dead_letter where lane = q.lane and shard = $1 and id < $3::uuid order by id desc limit $4::int) d
  order by d.id desc limit $4::int`,
);
