import { statement } from '../connection/statement.js';

/** Registers queues by name; a rival's registration is as good as ours. A number that is taken by chance is refused, and drawn again. */
export const REGISTER_QUEUES = statement(
  'register_queues',
  `insert into simple_queue.queue (name) select distinct name from unnest($1::text[]) u(name) order by name on conflict (name) do nothing`,
);

const SAME_LANE = `l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ',')`;

/**
 * Registers lanes of registered queues, and those again that the janitor took for unused: what has lived on from before may be used. A new
 * one only while the queue has fewer than $5 of them, and of those with labels fewer than $4: each is asked by every claim.
 */
export const REGISTER_LANES = statement(
  'register_lanes',
  `insert into simple_queue.lane (queue, name, labels)
  select distinct q.id, u.name, string_to_array(u.labels, ',')
  from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels) join simple_queue.queue q on q.name = u.queue
  where exists (select from simple_queue.lane l where ${SAME_LANE} and l.unused_at is not null)
    or (not exists (select from simple_queue.lane l where ${SAME_LANE})
      and (u.labels = '' or (select count(*) from simple_queue.lane l where l.queue = q.id and l.labels <> '{}') < $4::int)
      and (select count(*) from (select from simple_queue.lane l where l.queue = q.id limit $5::int) n) < $5::int)
  order by 1, 2, 3
  on conflict (queue, name, labels) do update set unused_at = null where lane.unused_at is not null`,
);

/**
 * Lanes by name, and how many there are in their queue, counted up to $4 + 1. Those that the janitor took for unused are none.
 */
export const FIND_LANES = statement(
  'find_lanes',
  `with u as materialized (select * from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels)),
  q as materialized (
    select id, name, (select count(*) from (select from simple_queue.lane where queue = q.id limit $4::int + 1) n)::int as lanes
    from simple_queue.queue q where name = any(array(select queue from u)))
  select l.id, q.id as "queueId", q.name as queue, l.name, l.labels, q.lanes,
    l.served_at is null as fresh
  from u join q on q.name = u.queue
  cross join lateral (select * from simple_queue.lane l where ${SAME_LANE} and unused_at is null offset 0) l`,
);
