import { statement } from '../connection/statement.js';

/**
 * Stores a workflow with its stages ($8 to $12, numbered from 0) and its edges ($13 to $15). Where a live one of its name has its key, nothing
 * is stored, and no row comes back.
 */
export const START_WORKFLOW = statement(
  'start_workflow',
  `with begun as (
    insert into simple_queue.workflow (id, shard, name, jobs, open, stops_at_failure, keep_ms, unique_key, deadline_ms, deadline_at)
    select $2::uuid, $1, $3, (select pg_catalog.sum(n) from pg_catalog.unnest($9::int[]) j(n))::int, pg_catalog.cardinality($8::text[]), $4, $5, $6, $7::float8, statement_timestamp() + $7::float8 * interval '1 millisecond'
    on conflict (unique_key, shard, name) where unique_key is not null and ended_at is null do nothing
    returning id),
  staged as (
    insert into simple_queue.stage (workflow, shard, n, name, jobs, open, waits, plain, begun, many, again)
    select b.id, $1, u.n - 1, u.name, u.jobs, u.jobs, u.waits, u.plain, u.waits = 0, u.many, u.again
    from begun b, unnest($8::text[], $9::int[], $10::int[], $11::boolean[], $12::boolean[], $16::boolean[]) with ordinality u(name, jobs, waits, plain, many, again, n)),
  joined as (
    insert into simple_queue.edge (workflow, shard, upstream, downstream, condition)
    select b.id, $1, u.upstream, u.downstream, u.condition
    from begun b, unnest($13::int[], $14::int[], $15::text[]) u(upstream, downstream, condition)),
  -- A stage without jobs has nothing that could end.
  left_over as (
    insert into simple_queue.arrival (shard, kind, workflow, stage)
    select $1, 'begin', b.id, u.n - 1 from begun b, unnest($9::int[], $10::int[]) with ordinality u(jobs, waits, n)
    where u.jobs = 0 and u.waits = 0)
  select id from begun`,
);

/** The live workflow that holds a key. */
export const FIND_WORKFLOW_KEY = statement(
  'find_workflow_key',
  `select id from simple_queue.workflow where unique_key = $2 and shard = $1 and name = $3 and ended_at is null`,
);
