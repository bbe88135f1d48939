import { statement } from '../statement.js';

/** Registers queues by name; a rival's registration is as good as ours. */
export const REGISTER_QUEUES = statement(
  'register_queues',
  `insert into simple_queue.queue (name) select distinct name from unnest($1::text[]) u(name) order by name on conflict do nothing`,
);

/** Registers lanes of registered queues. */
export const REGISTER_LANES = statement(
  'register_lanes',
  `insert into simple_queue.lane (queue, name)
  select q.id, u.name from unnest($1::text[], $2::text[]) u(queue, name) join simple_queue.queue q on q.name = u.queue
  order by 1, 2 on conflict do nothing`,
);

/** All lanes: a few hundred rows at most, read at start and when a new one appears. */
export const LIST_LANES = statement(
  'list_lanes',
  `select l.id, l.queue as "queueId", q.name as queue, l.name from simple_queue.lane l join simple_queue.queue q on q.id = l.queue`,
);
