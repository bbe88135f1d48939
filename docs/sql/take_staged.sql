-- $1 smallint, $2 uuid
prepare take_staged as
select commit_by is not null as staged, commit_by > statement_timestamp() as "inTime"
  from simple_queue.job where id = $2::uuid and shard = $1 for update;
