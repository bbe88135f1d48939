import { statement } from '../connection/statement.js';
import { WAITING } from '../places/places.sql.js';

/** Numbers of lanes in which jobs wait, and whose row somebody has deleted, in at most $2 steps along the indexes of their places: one step per lane. */
export const LIST_LANELESS_NUMBERS = statement(
  'list_laneless_numbers',
  `with recursive step as (
    select 0 as lane, 0 as n
    union all
    select next.lane, s.n + 1 from step s cross join lateral (
      select min(lane) as lane from (
        ${WAITING.map((place) => `(select lane from simple_queue.${place} where lane > s.lane and lane > 0 and shard = $1 order by lane limit 1)`).join(' union all\n        ')}) w) next
    where s.n < $2::int and next.lane is not null)
  select s.lane as id from step s where s.n > 0 and not exists (select from simple_queue.lane l where l.id = s.lane) order by 1`,
);
