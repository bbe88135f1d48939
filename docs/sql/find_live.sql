-- $1 uuid
prepare find_live as
select id, coalesce(jobs.queue, 'unknown') as queue, coalesce(jobs.name, '') as name, coalesce(jobs.labels, '{}'::text[]) as labels, state, priority, attempt, stalls, reschedules, pg_catalog.to_json(created_at) #>> '{}'::text[] as created_at, pg_catalog.to_json(run_at) #>> '{}'::text[] as run_at, pg_catalog.to_json(cancel_at) #>> '{}'::text[] as cancel_at, pg_catalog.to_json(finished_at) #>> '{}'::text[] as finished_at, pg_catalog.to_json(commit_by) #>> '{}'::text[] as commit_by,
    run_ms, worker, unique_key, fingerprint, options, payload::text as payload, payload_bytes, output, last_error, history, group_name, progress from simple_queue.jobs where id = $1::uuid and jobs.expires_at is null;
