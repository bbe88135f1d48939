/** What a connection of the library sets, too: planned once, and plans never walk a table that was believed small. */
export const SESSION = `set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set random_page_cost = 0; set jit = off; set timezone = 'UTC'`;

/** One row of a job's size into one table with one index: what an application's own INSERT costs. */
export const PLAIN_INSERT = `insert into outbox (id, payload) values ($1, $2::jsonb)`;

/** Job and ready row, as `lib/storage/enqueue/enqueue-plain.sql.ts` writes them. */
export const BULK_ROWS = `with item as materialized (select * from unnest($1::uuid[], $2::text[]) u(id, payload)),
  stored as (insert into simple_queue.job (id, shard, lane, queue, priority, run_at, payload)
    select id, 0, $3::int, $4::int, 0, statement_timestamp(), payload::jsonb from item)
  insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
    select $3::int, 0, 0, statement_timestamp(), id, 0 from item`;

const NEXT = `ended as (delete from simple_queue.claim where shard = 0 and id = any($2::uuid[])),
  next as (delete from simple_queue.ready where shard = 0 and ctid = any(array(
    select ctid from simple_queue.ready where lane = $3::int and shard = 0 and (priority, run_at, id) > ($4::smallint, $5::timestamptz, $6::uuid)
    order by priority, run_at, id limit $7::int for update skip locked)) returning id, priority, run_at),
  taken as (insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $8::uuid, 0, $8::uuid, array_agg(id), array_agg(0) from next having count(*) > 0)
  select n.id, n.priority, n.run_at::text, j.payload::text
  from (select * from next order by priority, run_at, id) n
  cross join lateral (select payload from simple_queue.job where id = n.id and shard = 0 offset 0) j`;

export const CLAIM_AND_DELETE = `with done as (delete from simple_queue.job where shard = 0 and id = any($1::uuid[])), ${NEXT}`;

export const CLAIM_AND_KEEP = `with done as (delete from simple_queue.job where shard = 0 and id = any($1::uuid[])
    returning id, lane, priority, created_at, run_at, payload),
  kept as (insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at,
      finished_at, expires_at, payload)
    select id, 0, 'succeeded', lane, priority, 1, 0, 0, created_at, run_at, statement_timestamp(),
      statement_timestamp() + interval '7 days', payload from done), ${NEXT}`;
