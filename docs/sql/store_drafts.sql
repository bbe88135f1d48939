-- $1 smallint, $2 uuid, $3 uuid[], $4 integer[], $5 integer[], $6 integer[], $7 integer[], $8 smallint[], $9 timestamp with time zone[], $10 double precision[], $11 text[], $12 text[], $13 text[], $14 bytea[], $15 text[], $16 boolean[], $17 boolean[]
prepare store_drafts as
insert into simple_queue.draft (id, shard, workflow, stage, item, lane, queue, priority, run_at, delay_ms, fingerprint, options, payload,
    payload_bytes, group_name, ordered, fair)
  select id, $1, $2, stage, item, lane, queue, priority, run_at, delay_ms, fingerprint, options::jsonb, payload::json, payload_bytes,
    group_name, coalesce(ordered, false), coalesce(fair, false)
  from unnest($3::uuid[], $4::int[], $5::int[], $6::int[], $7::int[], $8::smallint[], $9::timestamptz[], $10::float8[], $11::text[],
    $12::text[], $13::text[], $14::bytea[], $15::text[], $16::boolean[], $17::boolean[])
    u(id, stage, item, lane, queue, priority, run_at, delay_ms, fingerprint, options, payload, payload_bytes, group_name, ordered, fair);
