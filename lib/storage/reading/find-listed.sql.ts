import { statement } from '../connection/statement.js';

/**
 * Those of these jobs ($1) that a filter wants, without what may be large: payloads, and of an error its stack and causes. The lists before it are taken at another moment: what a job
 * is now decides, in one snapshot. A filter's part that is null wants everything.
 */
export const FIND_LISTED = statement(
  'find_listed',
  `select id, queue, name, state, priority, attempt, stalls, reschedules, created_at, run_at, cancel_at, finished_at, run_ms, worker,
    unique_key, fingerprint, labels, group_name, options ->> 'workflowId' as workflow_id, progress,
    last_error - '{stack,causes}'::text[] as last_error
  from simple_queue.jobs where id = any($1::uuid[])
    and ($2::text[] is null or state = any($2::text[])) and ($3::text is null or queue = $3) and ($4::text is null or name = $4)
    and ($5::text is null or fingerprint = $5) and ($6::text is null or unique_key = $6)
    and ($7::timestamptz is null or created_at > $7::timestamptz) and ($8::timestamptz is null or created_at < $8::timestamptz)
    and ($9::timestamptz is null or finished_at > $9::timestamptz) and ($10::timestamptz is null or finished_at < $10::timestamptz)
    and ($11::text is null or group_name = $11) and ($12::text is null or options ->> 'workflowId' = $12)
    and ($13::text is null or $13 = any(labels))`,
);
