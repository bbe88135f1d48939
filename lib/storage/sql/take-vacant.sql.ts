import { statement } from '../statement.js';
import { TRY_GROUP } from './group-locks.sql.js';

/**
 * The promoter's first statement: at most 200 vacant turns behind ($2, $3), and whose group's lock was to be had without waiting
 * (`free`). Who enqueues holds that lock until its transaction ends; the next round asks again. The locks are kept to the end of the
 * transaction, so that the second statement sees everything that was enqueued and nothing is added meanwhile.
 */
export const TAKE_VACANT = statement(
  'take_vacant',
  `with page as materialized (
    select group_name, queue from simple_queue.vacant v
    where shard = $1 and (group_name, queue) > ($2::text, $3::int)
      and not exists (select from simple_queue.head h where h.queue = v.queue and h.shard = $1 and h.halts offset 0)
    order by group_name, queue limit 200 for update of v skip locked)
  select group_name as "group", queue, ${TRY_GROUP} as free
  from page`,
);
