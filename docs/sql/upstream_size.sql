-- $1 smallint, $2 uuid
prepare upstream_size as
select (coalesce(sum(octet_length(u.output::text)), 0) + coalesce((
    select octet_length(u.output::text) from simple_queue.step t
  join simple_queue.step u on u.workflow = t.workflow and u.shard = $1 and u.stage = -1 - t.stage and u.item = t.item where t.id = $2::uuid and t.shard = $1 and t.stage < 0), 0))::float8 as bytes, exists (select from simple_queue.step where id = $2::uuid and shard = $1) as known
  from simple_queue.step t
  join simple_queue.edge e on e.workflow = t.workflow and e.shard = $1 and e.downstream = t.stage
  join simple_queue.step u on u.workflow = t.workflow and u.shard = $1 and u.stage = e.upstream
  where t.id = $2::uuid and t.shard = $1;
