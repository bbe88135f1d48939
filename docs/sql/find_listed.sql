-- $1 uuid[], $2 text[], $3 text, $4 text, $5 text, $6 text, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone, $10 timestamp with time zone, $11 text, $12 text, $13 text, $14 text, $15 text, $16 text, $17 text, $18 timestamp with time zone, $19 integer, $20 integer, $21 jsonb, $22 timestamp with time zone
prepare find_listed as
select id, coalesce(jobs.queue, 'unknown') as queue, coalesce(jobs.name, '') as name, coalesce(jobs.labels, '{}'::text[]) as labels, state, priority, attempt, stalls, reschedules, created_at, run_at, cancel_at, finished_at, run_ms, worker,
    unique_key, fingerprint, group_name, options ->> 'workflowId' as workflow_id, progress,
    last_error - '{stack,causes}'::text[] as last_error,
    array(select left((case w.part ->> 'of' when 'output' then (output #> p.path)::text else ((case when payload::text ~ (chr(92) || chr(92) || 'u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})')
        then regexp_replace(replace(payload::text, chr(92) || chr(92), '//'), chr(92) || chr(92) || 'u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '?', 'g')::json else payload end) #> p.path)::text end), 1000)
      from jsonb_array_elements($21::jsonb) with ordinality w(part, n)
      cross join lateral (select array(select jsonb_array_elements_text(w.part -> 'path')) as path) p order by w.n) as fields
  from simple_queue.jobs where id = any($1::uuid[])
    and ($2::text[] is null or state = any($2::text[])) and ($3::text is null or queue = $3) and ($4::text is null or name = $4)
    and ($5::text is null or fingerprint = $5) and ($6::text is null or unique_key = $6)
    and ($7::timestamptz is null or created_at > $7::timestamptz) and ($8::timestamptz is null or created_at < $8::timestamptz)
    and ($9::timestamptz is null or finished_at > $9::timestamptz) and ($10::timestamptz is null or finished_at < $10::timestamptz)
    and ($11::text is null or group_name = $11) and ($12::text is null or options ->> 'workflowId' = $12)
    and ($13::text is null or $13 = any(labels))
    and ($14::text is null or options -> 'schedule' ->> 'name' = $14) and ($15::text is null or worker = $15 or state = 'running' and exists (
      select from simple_queue.lease w join simple_queue.claim c on c.lease = w.id and c.shard = w.shard
      cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) join simple_queue.job j on j.id = u.id and j.shard = w.shard and j.epoch = u.epoch
      where w.worker = $15 and w.shard = 0 and jobs.id = any(c.jobs) and u.id = jobs.id))
    and ($16::text is null or strpos(lower(concat_ws(': ', last_error ->> 'name', last_error ->> 'message')), lower($16)) > 0)
    and ($17::text is null or error_key = $17) and ($18::timestamptz is null or coalesce(finished_at, created_at) > $18::timestamptz)
    and ($19::int is null or attempt >= $19::int) and ($20::int is null or attempt <= $20::int)
    and ($22::timestamptz is null or coalesce(finished_at, created_at) < $22::timestamptz);
