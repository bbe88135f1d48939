-- $1 smallint, $2 uuid[], $3 smallint, $4 text, $5 bytea, $6 boolean, $7 text
prepare change_dead as
with target as materialized (
    select d.id, d.state, case when $3::smallint is not null and d.options ? 'ordered'::text then 'ordered'
      when $4::text is not null and not $6::boolean and (d.options ? 'limitKey'::text or exists (
        select from simple_queue.queue q join simple_queue.fleet_limit f on f.name = q.name || '/*'::text and f.shard = $1
        where q.id = l.queue)) then 'keyed' end as refused
    from simple_queue.dead_letter d left join simple_queue.lane l on l.id = d.lane where d.shard = $1 and d.id = any($2::uuid[])),
  moved as (
    update simple_queue.dead_letter d set priority = coalesce($3::smallint, d.priority),
      payload = coalesce($4::text::json, d.payload), payload_bytes = coalesce($5::bytea, d.payload_bytes),
      options = case when $6::boolean then nullif(coalesce(d.options, '{}'::jsonb) - 'limitKey'::text || case when $7::text is null then '{}'::jsonb
        else pg_catalog.jsonb_build_object('limitKey', $7::text) end, '{}'::jsonb) else d.options end
    where d.shard = $1 and d.id = any(array(select id from target where refused is null)) returning d.id)
  select t.state, t.refused, exists (select from moved m where m.id = t.id) as changed from target t;
