import { statement } from '../connection/statement.js';
import { TRY_GROUP, WAIT_GROUP } from './group-locks.sql.js';
import { isHalted, vacantQueues } from './vacant-queues.sql.js';

/**
 * The turn duty's first statement, a page of at most 200 rows: of each queue behind $2 its vacant turns, behind the group of $4 that
 * is beside the queue in $3, or one row without a group where it has none to take. A halted queue is such a row, and costs one probe
 * however many of its turns are vacant. The group '' is a queue that is ordered as a whole. `free`: the group's lock was to be had without waiting. Who enqueues holds that lock until its
 * transaction ends; the next round asks again. The locks are kept to the end of the transaction, so that the second statement sees
 * everything that was enqueued and nothing is added meanwhile.
 */
export const TAKE_VACANT = statement(
  'take_vacant',
  `with recursive ${vacantQueues('$2::int')},
  page as materialized (
    select q.queue, t.group_name from hop q
    cross join lateral (
      select ${isHalted('q.queue')} as halted,
        (select b.behind from unnest($3::int[], $4::text[]) b(queue, behind) where b.queue = q.queue limit 1) as behind
      offset 0) b
    left join lateral (
      select v.group_name from simple_queue.vacant v
      where v.queue = q.queue and v.shard = $1 and v.group_name >= coalesce(b.behind, '') and v.group_name is distinct from b.behind and not b.halted
      order by v.group_name limit 200 for update of v skip locked) t on true
    limit 200)
  select group_name as "group", queue, group_name is not null and ${TRY_GROUP} as free
  from page`,
);

/**
 * The same of one group ($3) of a queue ($2), in two statements, of which the first waits for its lock as enqueues do: where their transactions follow each
 * other without a gap, it is never free, but whoever waits has it in turn.
 */
export const AWAIT_GROUP = statement(
  'await_group',
  `select ${WAIT_GROUP} from (select $1::int as queue, $2::text as group_name) g`,
);

export const TAKE_TURN = statement(
  'take_turn',
  `select v.group_name as "group", v.queue, true as free from simple_queue.vacant v
  where v.queue = $2::int and v.shard = $1 and v.group_name = $3 and not ${isHalted('v.queue')} for update of v`,
);
