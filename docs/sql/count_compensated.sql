-- $1 smallint, $2 uuid
prepare count_compensated as
select coalesce(sum(jobs - open), 0)::int as n from simple_queue.stage where workflow = $2::uuid and shard = $1 and n < 0;
