-- $1 text[]
prepare lock_lanes as
select pg_advisory_xact_lock(hashtextextended('simple_queue.lanes:' || s.stripe, 0)) is null as done
  from (select distinct id & 63 as stripe from simple_queue.queue where name = any($1::text[]) order by 1) s;
