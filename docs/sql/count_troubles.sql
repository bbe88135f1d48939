-- $1 smallint, $2 integer
prepare count_troubles as
select (select count(*) from simple_queue.lease where shard = $1 and expires_at > statement_timestamp())::int as workers,
    (select count(*) from simple_queue.lease where shard = $1 and expires_at > statement_timestamp() and cardinality(lanes) >= 10000)::int as "fullWorkers",
    array(select name from simple_queue.queue where paused_at is not null order by paused_at limit 100) as paused,
    (select (extract(epoch from statement_timestamp() - min(paused_at)) * 1000)::float8 from simple_queue.queue) as "pausedMs",
    (select count(*) from (select 1 from simple_queue.archive_default where shard = $1 limit $2::int + 1) a)::int as "archiveDefault",
    (select count(*) from (select 1 from simple_queue.dead_letter_default where shard = $1 limit $2::int + 1) d)::int as "deadLetterDefault";
