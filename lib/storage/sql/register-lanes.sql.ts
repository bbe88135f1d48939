import { statement } from '../statement.js';

/** Registers queues by name; a rival's registration is as good as ours. */
export const REGISTER_QUEUES = statement(
  'register_queues',
  `insert into simple_queue.queue (name) select distinct name from unnest($1::text[]) u(name) order by name on conflict do nothing`,
);

/** Registers lanes of registered queues. Those with labels only while the queue has fewer than $4 of them: each is asked by every claim. */
export const REGISTER_LANES = statement(
  'register_lanes',
  `insert into simple_queue.lane (queue, name, labels)
  select q.id, u.name, string_to_array(u.labels, ',')
  from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels) join simple_queue.queue q on q.name = u.queue
  where u.labels = '' or (select count(*) from simple_queue.lane l where l.queue = q.id and l.labels <> '{}') < $4::int
  order by 1, 2, 3 on conflict do nothing`,
);

/** All lanes: a few hundred rows at most, read at start and when a new one appears. */
export const LIST_LANES = statement(
  'list_lanes',
  `select l.id, l.queue as "queueId", q.name as queue, l.name, l.labels from simple_queue.lane l join simple_queue.queue q on q.id = l.queue`,
);
