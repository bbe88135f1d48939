-- $1 smallint, $2 uuid[]
prepare find_drafts as
select id, item, stage, lane, priority, run_at as at, delay_ms as "delayMs", fingerprint, options::text as options,
    payload::text as payload, payload_bytes as "payloadBytes", group_name as "group", ordered, fair from simple_queue.draft where shard = $1 and id = any($2::uuid[]) order by stage, item;
