-- $1 uuid
prepare find_live as
select id, queue, name, state, priority, attempt, stalls, reschedules, to_json(created_at) #>> '{}' as created_at, to_json(run_at) #>> '{}' as run_at, to_json(cancel_at) #>> '{}' as cancel_at, to_json(finished_at) #>> '{}' as finished_at, to_json(commit_by) #>> '{}' as commit_by,
    run_ms, worker, unique_key, fingerprint, options, payload, payload_bytes, output, last_error, history, labels, group_name from simple_queue.jobs where id = $1::uuid and jobs.expires_at is null;
