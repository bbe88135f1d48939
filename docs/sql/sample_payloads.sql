-- $1 smallint, $2 integer[], $3 integer
prepare sample_payloads as
select q.lane, j.payload::text as payload from unnest($2::int[]) q(lane) cross join lateral (
    select w.id from (
      (select id from simple_queue.ready where lane = q.lane and shard = $1 order by priority, run_at, id limit $3::int) union all
      (select id from simple_queue.fair_ready where lane = q.lane and shard = $1 limit $3::int) union all
      (select id from simple_queue.suspect where lane = q.lane and shard = $1 limit $3::int) union all
      (select id from simple_queue.scheduled where lane = q.lane and lane > 0 and shard = $1 limit $3::int) union all
      (select id from simple_queue.blocked where lane = q.lane and lane > 0 and shard = $1 limit $3::int) union all
      (select id from simple_queue.keyed where lane = q.lane and lane > 0 and shard = $1 limit $3::int) union all
      (select id from simple_queue.staged where lane = q.lane and lane > 0 and shard = $1 limit $3::int)) w limit $3::int) p
  cross join lateral (select payload from simple_queue.job where id = p.id and shard = $1 offset 0) j;
