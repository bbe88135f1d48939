-- $1 smallint, $2 integer
prepare count_defaults as
select (select count(*) from (select 1 from simple_queue.archive_default where shard = $1 limit $2::int + 1) a)::int as "archiveDefault",
    (select count(*) from (select 1 from simple_queue.dead_letter_default where shard = $1 limit $2::int + 1) d)::int as "deadLetterDefault";
