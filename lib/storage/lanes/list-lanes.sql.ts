import { statement } from '../connection/statement.js';
import { MAY_RUN } from '../places/places.sql.js';

const LANE = `l.id, l.queue as "queueId", q.name as queue, l.name, l.labels`;

/** By number. */
export const LANES_BY_NUMBER = statement(
  'lanes_by_number',
  `select ${LANE}, exists (select from simple_queue.outcome where queue = l.queue) as "hasOutcomes"
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where l.id = any($1::int[])`,
);

/**
 * What a process with labels $5 serves: lanes of queues, by name or by a beginning ($2), of one name or of all ($3 null); $4 of them, first
 * the handlers' own, then the oldest. A queue has its lanes by index, so what others put into the registry costs nothing.
 */
export const LIST_LANES = statement(
  'list_lanes',
  `select l.created_at, ${LANE}, l.served_at is null as fresh
  from (select distinct * from unnest($1::text[], $2::boolean[], $3::text[]) u(queue, beginning, name)) u
  cross join lateral (
    (select id, name from simple_queue.queue where name = u.queue and not u.beginning) union all
    (select id, name from simple_queue.queue where starts_with(name, u.queue) and u.beginning)) q
  cross join lateral (
    (select * from simple_queue.lane where queue = q.id and name = u.name) union all
    (select * from simple_queue.lane where queue = q.id and u.name is null)) l
  where l.labels <@ $5::text[]
  group by l.id, l.created_at, l.served_at, l.queue, q.name, l.name, l.labels
  order by bool_or(l.labels = '{}' and not u.beginning and l.name = coalesce(u.name, '')) desc, l.created_at, l.id limit $4::int`,
);

/** Notes of lanes when they were served first: who enqueues to one that never was is warned. Whoever is beside it notes the same. */
export const NOTE_SERVED_LANES = statement(
  'note_served_lanes',
  `update simple_queue.lane set served_at = statement_timestamp() where id = any(array(
    select id from simple_queue.lane where id = any($1::int[]) and served_at is null for update skip locked))`,
);

/** Has a remote worker claimed from lane `l` lately? Between two claims it has no lease. */
export const isPulled = `coalesce(l.pulled_at > statement_timestamp() - interval '5 minutes', false)`;

/** Notes that remote workers claim from these lanes. Whoever is beside it notes the same. */
export const NOTE_PULLED_LANES = statement(
  'note_pulled_lanes',
  `update simple_queue.lane set pulled_at = statement_timestamp() where id = any(array(
    select id from simple_queue.lane where id = any($1::int[]) for update skip locked))`,
);

/** Those lanes that were never served, each with at most $2 names of queues that were, to guess from. */
export const FIND_UNSERVED = statement(
  'find_unserved',
  `with served as materialized (
    select distinct q.name from (select queue from simple_queue.lane where served_at is not null limit $2::int) l
    join simple_queue.queue q on q.id = l.queue)
  select ${LANE}, array(select name from served) as served
  from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  where l.id = any($1::int[]) and l.served_at is null`,
);

/** Numbers of lanes, for lists: of one queue ($1) or all, of one name ($2) or all, with a label ($4) or all; at most $3. */
export const LIST_LANE_NUMBERS = statement(
  'list_lane_numbers',
  `select l.id from simple_queue.lane l join simple_queue.queue q on q.id = l.queue
  where ($1::text is null or q.name = $1) and ($2::text is null or l.name = $2) and ($4::text is null or $4 = any(l.labels)) order by l.id limit $3::int`,
);

/** Names to guess from: at most $1. */
export const LIST_QUEUE_NAMES = statement(
  'list_queue_names',
  `select name from simple_queue.queue order by name limit $1::int`,
);

/**
 * Lanes in which jobs wait, behind lane $2, in at most $3 steps along the indexes of their places: one step per lane, however many jobs
 * wait there. The last row says where the next look starts.
 */
export const LIST_LANES_WITH_JOBS = statement(
  'list_lanes_with_jobs',
  `with recursive step as (
    select $2::int as lane, 0 as n
    union all
    select next.lane, s.n + 1 from step s cross join lateral (
      select min(lane) as lane from (
        ${MAY_RUN.map((place) => `(select lane from simple_queue.${place} where lane > s.lane and shard = $1 order by lane limit 1)`).join(' union all\n        ')}) w) next
    where s.n < $3::int and next.lane is not null)
  select s.lane as id, q.id as "queueId", q.name as queue, l.name, l.labels
  from step s left join simple_queue.lane l on l.id = s.lane left join simple_queue.queue q on q.id = l.queue
  where s.n > 0 order by s.lane`,
);
