import { statement } from '../connection/statement.js';

/** A page of the suspects of some lanes ($2), by id: a crash gives back some hundreds at most. */
export const LIST_SUSPECTS = statement(
  'list_suspects',
  `select s.id from unnest($2::int[]) q(lane) cross join lateral (
    select id from simple_queue.suspect where lane = q.lane and shard = $1 and id > $3::uuid) s
  order by s.id limit $4::int`,
);
