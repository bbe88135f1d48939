import { statement } from '../connection/statement.js';

/**
 * Dead letters by error key, $5 keys at most: from key to key along the index, and of each its newest, counted up to $4, of some lanes ($2, null:
 * all) and times ($3). The newest of each is the example.
 */
export const LIST_ERRORS = statement(
  'list_errors',
  `with recursive step as (
    (select error_key from simple_queue.dead_letter where error_key is not null and shard = $1 order by error_key limit 1)
    union all
    select n.error_key from step s cross join lateral (
      select error_key from simple_queue.dead_letter where error_key > s.error_key and shard = $1 order by error_key limit 1) n),
  key as materialized (select error_key from step limit $5::int)
  select k.error_key as key, c.jobs, c."firstAt", c."lastAt", e.id, e.state, q.name as queue, l.name, e.last_error - '{stack,causes}'::text[] as error
  from key k cross join lateral (
    select count(*)::int as jobs, min(w.finished_at) as "firstAt", max(w.finished_at) as "lastAt", max(w.id::text)::uuid as newest
    from (
      select id, lane, finished_at from simple_queue.dead_letter where error_key = k.error_key and shard = $1
      order by id desc limit $4::int + 1) w
    where ($2::int[] is null or w.lane = any($2::int[])) and ($3::timestamptz is null or w.finished_at > $3::timestamptz)) c
  cross join lateral (
    select id, state, lane, last_error from simple_queue.dead_letter where id = c.newest and shard = $1 limit 1) e
  join simple_queue.lane l on l.id = e.lane join simple_queue.queue q on q.id = l.queue`,
);

/** What failed and waits for its next attempt, in some lanes ($2, null: all): of the 1,000 that run soonest, $3 at most. */
export const LIST_FAILING = statement(
  'list_failing',
  `select j.id, q.name as queue, l.name, j.last_error - 'causes' as error
  from (select id from simple_queue.scheduled where shard = $1 order by run_at, id limit 1000) s
  cross join lateral (select id, lane, last_error from simple_queue.job where id = s.id and shard = $1 offset 0) j
  join simple_queue.lane l on l.id = j.lane join simple_queue.queue q on q.id = l.queue
  where j.last_error is not null and ($2::int[] is null or j.lane = any($2::int[])) limit $3::int`,
);
