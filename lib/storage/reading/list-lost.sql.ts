import { statement } from '../connection/statement.js';
import { isLost } from '../places/lost.sql.js';

/** A page of jobs of some lanes ($2, null: all) that stand in no place, by id: of at most $5 jobs, as `list_staged` walks. */
export const LIST_LOST = statement(
  'list_lost',
  `with walked as materialized (
    select * from simple_queue.job where shard = $1 and id > $3::uuid order by id limit $5::int),
  hit as materialized (
    select j.id from walked j where ($2::int[] is null or j.lane = any($2::int[]))
      and ${isLost('j')} order by j.id limit $4::int)
  (select id, null as at, true as hit from hit order by id) union all
  (select id, null, false from walked where (select count(*) from hit) < $4::int and (select count(*) from walked) = $5::int
    order by id desc limit 1)`,
);
