import { statement } from '../statement.js';

/** The job wherever it is: one statement, one snapshot (with two, a job that moves between them is found nowhere or twice). */
export const FIND_JOB = statement(
  'find_job',
  `select id, queue, name, state, priority, attempt, stalls, reschedules, created_at, run_at, cancel_at, finished_at, run_ms, worker,
    unique_key, fingerprint, options, payload, payload_bytes, output, last_error, history, labels, group_name, commit_by
  from simple_queue.jobs where id = $1::uuid order by finished_at desc nulls first limit 1`,
);
