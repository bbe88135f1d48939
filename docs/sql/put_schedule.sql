-- $1 smallint, $2 text, $3 text, $4 jsonb, $5 json, $6 text, $7 boolean, $8 timestamp with time zone, $9 text, $10 timestamp with time zone, $11 uuid
prepare put_schedule as
insert into simple_queue.schedule as s (name, shard, owner, spec, payload, hash, declared, seen_by, next_at)
  values ($2, $1, $3, $4::jsonb, $5::json, $6, $7, $11::uuid, $8::timestamptz)
  on conflict (name, shard) do update set spec = excluded.spec, payload = excluded.payload, hash = excluded.hash,
    declared = excluded.declared, seen_by = excluded.seen_by, next_at = excluded.next_at
  where s.owner = excluded.owner and s.hash = $9 and (s.next_at is not distinct from $10::timestamptz or (s.next_at between $10::timestamptz - interval '1 ms' and $10::timestamptz + interval '1 ms'))
  returning s.name;
