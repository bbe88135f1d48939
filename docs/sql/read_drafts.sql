-- $1 smallint, $2 uuid, $3 integer
prepare read_drafts as
select id, item, stage, lane, priority, run_at as at, delay_ms as "delayMs", fingerprint, options::text as options,
    payload::text as payload, payload_bytes as "payloadBytes", group_name as "group", ordered, fair from simple_queue.draft where workflow = $2::uuid and shard = $1 and stage = $3::int order by item;
