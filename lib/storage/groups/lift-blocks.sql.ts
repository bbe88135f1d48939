import { statement } from '../connection/statement.js';
import { released } from '../places/turns.sql.js';

/**
 * Lets groups go on whose dead job is no longer kept: nobody could retry or purge it, so nothing else would ever free them. At most 200, the
 * oldest first; whoever releases one at the same time holds its row, which is passed over.
 */
export const LIFT_BLOCKS = statement(
  'lift_blocks',
  `with over as materialized (
    select ctid from simple_queue.head where shard = $1 and dead_until <= statement_timestamp()
    order by dead_until limit 200 for update skip locked),
  ${released('over')}
  select q.name as queue, count(*)::int as groups from freed f join simple_queue.queue q on q.id = f.queue group by q.name`,
);
