-- $1 smallint, $2 integer
prepare count_suspects as
select q.name as queue, count(*)::int as jobs, max(s.suspicion)::int as suspicion
  from (select lane, suspicion from simple_queue.suspect where shard = $1 limit $2::int) s
  join simple_queue.lane l on l.id = s.lane join simple_queue.queue q on q.id = l.queue group by q.name order by q.name;
