import { statement } from '../connection/statement.js';

/**
 * A page of the staged jobs in some lanes ($2, null: all), by id. No index leads by lane: at most $5 rows are walked, and where that was not
 * enough, the last of them says where to go on.
 */
export const LIST_STAGED = statement(
  'list_staged',
  `with walked as materialized (
    select id, lane from simple_queue.staged where shard = $1 and id > $3::uuid order by id limit $5::int),
  hit as materialized (
    select id from walked where $2::int[] is null or lane = any($2::int[]) order by id limit $4::int)
  (select id, null as at, true as hit from hit order by id) union all
  (select id, null, false from walked where (select count(*) from hit) < $4::int and (select count(*) from walked) = $5::int
    order by id desc limit 1)`,
);

/** The same of those that are blocked, group by group in the order of their turns; `at` holds group, queue and turn ($3 to $5). */
export const LIST_BLOCKED = statement(
  'list_blocked',
  `with walked as materialized (
    select group_name, queue, seq, id, lane from simple_queue.blocked
    where shard = $1 and (group_name, queue, seq) > ($3::text, $4::int, $5::bigint) order by group_name, queue, seq limit $7::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by group_name, queue, seq limit $6::int)
  (select id, jsonb_build_array(group_name, queue, seq::text)::text as at, true as hit from hit order by group_name, queue, seq) union all
  (select id, jsonb_build_array(group_name, queue, seq::text)::text, false from walked
    where (select count(*) from hit) < $6::int and (select count(*) from walked) = $7::int
    order by group_name desc, queue desc, seq desc limit 1)`,
);

/** The same of those that wait for a permit of their key, key by key; `at` holds key, queue, priority and time ($3 to $6). */
export const LIST_KEYED = statement(
  'list_keyed',
  `with walked as materialized (
    select limit_key, queue, priority, run_at, id, lane from simple_queue.keyed
    where shard = $1 and (limit_key, queue, priority, run_at, id) > ($3::text, $4::int, $5::smallint, $6::timestamptz, $7::uuid)
    order by limit_key, queue, priority, run_at, id limit $9::int),
  hit as materialized (
    select * from walked where $2::int[] is null or lane = any($2::int[]) order by limit_key, queue, priority, run_at, id limit $8::int)
  (select id, jsonb_build_array(limit_key, queue, priority, run_at::text)::text as at, true as hit from hit
    order by limit_key, queue, priority, run_at, id) union all
  (select id, jsonb_build_array(limit_key, queue, priority, run_at::text)::text, false from walked
    where (select count(*) from hit) < $8::int and (select count(*) from walked) = $9::int
    order by limit_key desc, queue desc, priority desc, run_at desc, id desc limit 1)`,
);

/** A page of what is ready in fair queues, lane by lane ($2) and group by group, along the claim's own index; `at` holds $3 to $6. */
export const LIST_FAIR = statement(
  'list_fair',
  `with page as materialized (
    (select f.* from unnest($2::int[]) q(lane) cross join lateral (
      select lane, group_name, priority, run_at, id from simple_queue.fair_ready
      where lane = q.lane and shard = $1 and (group_name, priority, run_at, id) > ($4::text, $5::smallint, $6::timestamptz, $7::uuid)
      order by group_name, priority, run_at, id limit $8::int) f
    where q.lane = $3::int)
    union all
    (select f.* from unnest($2::int[]) q(lane) cross join lateral (
      select lane, group_name, priority, run_at, id from simple_queue.fair_ready where lane = q.lane and shard = $1
      order by group_name, priority, run_at, id limit $8::int) f
    where q.lane > $3::int))
  select id, jsonb_build_array(lane, group_name, priority, run_at::text)::text as at from page
  order by lane, group_name, priority, run_at, id limit $8::int`,
);
