-- $1 smallint, $2 text, $3 text, $4 text, $5 timestamp with time zone, $6 uuid, $7 bigint
prepare list_acts as
select id, at, actor, action, selector, counts, failed, ended_at as "endedAt" from simple_queue.operator_action
  where shard = $1 and ($2::text is null or actor = $2) and ($3::text is null or action = $3)
    and ($4::text is null or selector ->> 'queue' = $4) and at >= coalesce($5::timestamptz, '-infinity')
    and ($6::uuid is null or (at, id) < (select at, id from simple_queue.operator_action where id = $6 and shard = $1))
  order by at desc, id desc limit $7;
