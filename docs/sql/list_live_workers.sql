-- $1 smallint, $2 text
prepare list_live_workers as
select distinct worker from simple_queue.lease
  where shard = $1 and jobs is null and worker <> $2 and expires_at > statement_timestamp() order by worker limit 10;
