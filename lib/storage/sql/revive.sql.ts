import { statement } from '../statement.js';

/**
 * Makes ended jobs live again, those of them that still stand in one of the states $3. The row of the ended job is locked first and
 * decides between rivals; it goes only for what came in. `do nothing` leaves out a job whose unique key a live one holds: it comes back
 * with `revived` false. In the order of the keys, as batches of `enqueue` take them, so that they cannot deadlock.
 *
 * Attempts start anew. The epoch does not: a run of the first life may still answer. How far that life came is not kept, so the next one
 * starts at the seconds since 2020, far beyond it. What killed its process runs alone at first.
 */
export const REVIVE = statement(
  'revive',
  `with dead as materialized (
    select * from simple_queue.dead_letter where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) for update),
  kept as materialized (
    select * from simple_queue.archive where shard = $1 and id = any($2::uuid[]) and state = any($3::text[]) for update),
  ended as (select * from dead union all select * from kept),
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, suspicion, created_at, run_at, unique_key, fingerprint, options,
      payload, payload_bytes, last_error, history)
    select e.id, $1, extract(epoch from statement_timestamp())::bigint - 1577836800, e.lane, l.queue, e.priority,
      case when e.state = 'poisoned' and e.stalls > 0 then 2 else 0 end, e.created_at, statement_timestamp(), e.unique_key, e.fingerprint,
      e.options, e.payload, e.payload_bytes, e.last_error,
      (case when jsonb_array_length(e.history) >= 20 then e.history - 0 else coalesce(e.history, '[]') end)
        || jsonb_build_object('attempt', e.attempt, 'outcome', 'revived', 'at', statement_timestamp())
    from ended e join simple_queue.lane l on l.id = e.lane order by l.queue, e.unique_key collate "C" nulls first, e.id
    on conflict do nothing
    returning id, lane, priority, run_at, epoch, suspicion),
  undead as (
    delete from simple_queue.dead_letter where shard = $1 and id = any(array(select id from stored))),
  unkept as (
    delete from simple_queue.archive where shard = $1 and id = any(array(select id from stored))),
  readied as (
    insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select lane, $1, priority, run_at, id, epoch from stored where suspicion = 0),
  suspected as (
    insert into simple_queue.suspect (lane, shard, suspicion, run_at, id, epoch)
    select lane, $1, suspicion, run_at, id, epoch from stored where suspicion > 0)
  select e.id, e.lane, e.unique_key as "uniqueKey", exists (select from stored s where s.id = e.id) as revived from ended e`,
);
