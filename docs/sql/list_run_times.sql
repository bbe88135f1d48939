-- $1 smallint, $2 integer[]
prepare list_run_times as
select t.lane, sum(r.runs * case when r.n > 1 then 2 ^ (r.n - 2) else 0 end)::float8 / sum(r.runs)::float8 as ms
  from simple_queue.tally t cross join lateral unnest(t.run) with ordinality r(runs, n)
  where t.shard = $1 and t.lane = any($2::int[]) and t.minute >= statement_timestamp() - interval '1 hour' and r.runs > 0
  group by t.lane;
