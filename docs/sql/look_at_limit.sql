-- $1 smallint, $2 text, $3 integer[]
prepare look_at_limit as
select l.concurrency, l.allotted, (select count(*) from (
    select from unnest($3::int[]) q(lane) cross join lateral (
      (select 1 from simple_queue.ready where lane = q.lane and shard = $1 limit 1) union all
      (select 1 from simple_queue.fair_ready where lane = q.lane and shard = $1 limit 1) union all
      (select 1 from simple_queue.suspect where lane = q.lane and shard = $1 limit 1)) s limit 1) w)::int as waiting, coalesce(s.shares, '[]') as shares
  from simple_queue.fleet_limit l left join lateral (
    select json_agg(json_build_object('lease', a.lease, 'n', a.n, 'wanted', a.wanted, 'isWhole', a.expires_at is not null and a.lanes = '{}',
      'turnMs', extract(epoch from statement_timestamp() - a.turn_at) * 1000) order by a.lease) as shares
    from simple_queue.allotment a
    where a.name = l.name and a.shard = l.shard and (a.expires_at > statement_timestamp() or exists (
      select from simple_queue.lease e where e.id = a.lease and e.shard = $1 and e.expires_at > statement_timestamp()))) s on true
  where l.name = $2 and l.shard = $1;
