import { SHARD } from '../connection/shard.js';
import { statement } from '../connection/statement.js';
import { LANE_OR_NONE } from './find-job.sql.js';

/** A backslash, whatever the session takes one in a text for. */
const SLASH = 'chr(92)';
/** What json holds and no text: U+0000, and halves of surrogate pairs. */
const UNREADABLE = `${SLASH} || ${SLASH} || 'u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})'`;
const READABLE = `(case when payload::text ~ (${UNREADABLE})
        then regexp_replace(replace(payload::text, ${SLASH} || ${SLASH}, '//'), ${UNREADABLE}, '?', 'g')::json else payload end)`;

/** The view knows the workers of ended jobs; of one that runs its claim does. */
const RUNS_HERE = `exists (
      select from simple_queue.lease w join simple_queue.claim c on c.lease = w.id and c.shard = w.shard
      cross join lateral unnest(c.jobs, c.epochs) u(id, epoch) join simple_queue.job j on j.id = u.id and j.shard = w.shard and j.epoch = u.epoch
      where w.worker = $15 and w.shard = ${SHARD} and jobs.id = any(c.jobs) and u.id = jobs.id)`;

/**
 * Those of these jobs ($1) that a filter wants, without what may be large: payloads, and of an error its stack and causes. The lists before it are taken at another moment: what a job
 * is now decides, in one snapshot. A filter's part that is null wants everything. Parts of payload and output ($21) come as JSON, uncast: a cast may fail.
 */
export const FIND_LISTED = statement(
  'find_listed',
  `select id, ${LANE_OR_NONE}, state, priority, attempt, stalls, reschedules, created_at, run_at, cancel_at, finished_at, run_ms, worker,
    unique_key, fingerprint, group_name, options ->> 'workflowId' as workflow_id, progress,
    last_error - '{stack,causes}'::text[] as last_error,
    array(select left((case w.part ->> 'of' when 'output' then (output #> p.path)::text else (${READABLE} #> p.path)::text end), 1000)
      from jsonb_array_elements($21::jsonb) with ordinality w(part, n)
      cross join lateral (select array(select jsonb_array_elements_text(w.part -> 'path')) as path) p order by w.n) as fields
  from simple_queue.jobs where id = any($1::uuid[])
    and ($2::text[] is null or state = any($2::text[])) and ($3::text is null or queue = $3) and ($4::text is null or name = $4)
    and ($5::text is null or fingerprint = $5) and ($6::text is null or unique_key = $6)
    and ($7::timestamptz is null or created_at > $7::timestamptz) and ($8::timestamptz is null or created_at < $8::timestamptz)
    and ($9::timestamptz is null or finished_at > $9::timestamptz) and ($10::timestamptz is null or finished_at < $10::timestamptz)
    and ($11::text is null or group_name = $11) and ($12::text is null or options ->> 'workflowId' = $12)
    and ($13::text is null or $13 = any(labels))
    and ($14::text is null or options -> 'schedule' ->> 'name' = $14) and ($15::text is null or worker = $15 or state = 'running' and ${RUNS_HERE})
    and ($16::text is null or strpos(lower(concat_ws(': ', last_error ->> 'name', last_error ->> 'message')), lower($16)) > 0)
    and ($17::text is null or error_key = $17) and ($18::timestamptz is null or coalesce(finished_at, created_at) > $18::timestamptz)
    and ($19::int is null or attempt >= $19::int) and ($20::int is null or attempt <= $20::int)
    and ($22::timestamptz is null or coalesce(finished_at, created_at) < $22::timestamptz)`,
);
