import { statement } from '../connection/statement.js';

/** Which queues tell their ends to which. */
export const LIST_OUTCOMES = statement(
  'list_outcomes',
  `select q.name as queue, t.name as target
  from simple_queue.outcome x join simple_queue.queue q on q.id = x.queue
  join simple_queue.lane l on l.id = x.lane join simple_queue.queue t on t.id = l.queue`,
);

/** Whoever changes them does so one after another: two that each close half of a circle would not see each other. */
export const LOCK_OUTCOMES = statement(
  'lock_outcomes',
  `select pg_advisory_xact_lock(hashtextextended('simple_queue.outcomes', 0))`,
);

/** The queues $1 tell their ends to the lanes $2 from now on, and those of $3 to nobody. */
export const DECLARE_OUTCOMES = statement(
  'declare_outcomes',
  `with ended as (
    delete from simple_queue.outcome where queue = any(array(select id from simple_queue.queue where name = any($3::text[]))))
  insert into simple_queue.outcome (queue, lane)
  select q.id, u.lane from unnest($1::text[], $2::int[]) u(name, lane) join simple_queue.queue q on q.name = u.name
  on conflict (queue) do update set lane = excluded.lane`,
);
