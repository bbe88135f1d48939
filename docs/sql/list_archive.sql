-- $1 smallint, $2 text[], $3 integer[], $4 uuid, $5 integer, $6 integer, $7 timestamp with time zone, $8 text, $9 text
prepare list_archive as
with walked as materialized (
    select id, state, lane, case when $8::text is not null or $9::text is not null then options end as options from simple_queue.archive where shard = $1 and id < $4::uuid and expires_at > $7::timestamptz
    order by id desc limit $6::int),
  hit as materialized (
    select id from walked where state = any($2::text[]) and ($3::int[] is null or lane = any($3::int[]))
      and ($8::text is null or options ->> 'group' = $8) and ($9::text is null or options ->> 'workflowId' = $9) order by id desc limit $5::int)
  (select id, true as hit from hit order by id desc) union all
  (select id, false from walked where (select count(*) from hit) < $5::int and (select count(*) from walked) = $6::int
    order by id limit 1);
