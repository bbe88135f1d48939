-- $1 smallint, $2 uuid, $3 text, $4 boolean, $5 double precision, $6 simple_queue.tag, $7 double precision, $8 text[], $9 integer[], $10 integer[], $11 boolean[], $12 boolean[], $13 integer[], $14 integer[], $15 text[], $16 boolean[]
prepare start_workflow as
with begun as (
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
  select id from begun;
