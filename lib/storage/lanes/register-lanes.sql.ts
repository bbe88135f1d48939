import { statement } from '../connection/statement.js';

/** Registers queues by name; a rival's registration is as good as ours. A number that is taken by chance is refused, and drawn again. */
export const REGISTER_QUEUES = statement(
  'register_queues',
  `insert into simple_queue.queue (name) select distinct name from unnest($1::text[]) u(name) order by name on conflict (name) do nothing`,
);

const SAME_LANE = `l.queue = q.id and l.name = u.name and l.labels = string_to_array(u.labels, ',')`;

/**
 * Who registers lanes of these queues counts them alone, to the end of a transaction: a count beside another's is no bound. In 64 stripes, since
 * a start may register thousands of queues. `simple_queue.enqueue` takes the same lock only where a queue has half of its lanes, because it
 * keeps it for as long as its caller likes.
 */
export const LOCK_LANES = statement(
  'lock_lanes',
  `select pg_advisory_xact_lock(hashtextextended('simple_queue.lanes:' || s.stripe, 0)) is null as done
  from (select distinct id & 63 as stripe from simple_queue.queue where name = any($1::text[]) order by 1) s`,
);

/**
 * Registers lanes of registered queues, and those again that the janitor took for unused: what has lived on from before may be used. New
 * ones only until the queue has $5 of them, and $4 with labels: each is asked by every claim. First `LOCK_LANES`, in the same transaction.
 */
export const REGISTER_LANES = statement(
  'register_lanes',
  `with u as materialized (select distinct * from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels)),
  q as materialized (
    select id, name, $5::int - (select count(*) from (select from simple_queue.lane where queue = q.id limit $5::int) n) as room,
      $4::int - (select count(*) from simple_queue.lane where queue = q.id and labels <> '{}') as labelled
    from simple_queue.queue q where name = any(array(select queue from u))),
  fresh as materialized (
    select q.id, q.room, q.labelled, u.name, u.labels,
      row_number() over (partition by q.id order by u.labels <> '', u.name, u.labels) as nth,
      row_number() over (partition by q.id, u.labels <> '' order by u.name, u.labels) as alike
    from u join q on q.name = u.queue where not exists (select from simple_queue.lane l where ${SAME_LANE}))
  insert into simple_queue.lane (queue, name, labels)
  select id, name, string_to_array(labels, ',') from fresh where nth <= room and (labels = '' or alike <= labelled)
  union all
  select l.queue, l.name, l.labels from u join q on q.name = u.queue join simple_queue.lane l on ${SAME_LANE} and l.unused_at is not null
  order by 1, 2, 3
  on conflict (queue, name, labels) do update set unused_at = null where lane.unused_at is not null`,
);

/**
 * Lanes by name, how many there are in their queue, counted up to $4 + 1, and for how long its workers have kept what ended, with the time since they said so, in milliseconds. Those that the janitor took for unused are none.
 */
export const FIND_LANES = statement(
  'find_lanes',
  `with u as materialized (select * from unnest($1::text[], $2::text[], $3::text[]) u(queue, name, labels)),
  q as materialized (
    select id, name, (select count(*) from (select from simple_queue.lane where queue = q.id limit $4::int + 1) n)::int as lanes,
      (select jsonb_agg(jsonb_build_object('ms', key::float8, 'agoMs', 1000 * (extract(epoch from statement_timestamp())::float8 - value::float8)))
        from jsonb_each(policy -> 'kept')) as kept
    from simple_queue.queue q where name = any(array(select queue from u)))
  select l.id, q.id as "queueId", q.name as queue, l.name, l.labels, q.lanes,
    l.served_at is null as fresh, q.kept
  from u join q on q.name = u.queue
  cross join lateral (select * from simple_queue.lane l where ${SAME_LANE} and unused_at is null offset 0) l`,
);

/** One lane by name, in the transaction of a caller. */
export const LOOK_UP_LANE = statement(
  'look_up_lane',
  `select l.id, q.id as "queueId", q.name as queue, l.name, l.labels
  from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
  where q.name = $1::text and l.name = $2::text and l.labels operator(pg_catalog.=) $3::text[] and l.unused_at is null`,
);
