import { statement } from '../statement.js';

/** As ISO 8601, whatever the DateStyle of the session. */
const TIMES = ['created_at', 'run_at', 'cancel_at', 'finished_at', 'commit_by'].map(
  (column) => `to_json(${column}) #>> '{}' as ${column}`,
);

/**
 * The job wherever it is: one statement, one snapshot (with two, a job that moves between them is found nowhere or twice). It runs in
 * callers' transactions, too, under their settings.
 */
export const FIND_JOB = statement(
  'find_job',
  `select id, queue, name, state, priority, attempt, stalls, reschedules, ${TIMES.join(', ')},
    run_ms, worker, unique_key, fingerprint, options, payload, payload_bytes, output, last_error, history, labels, group_name
  from simple_queue.jobs where id = $1::uuid order by jobs.finished_at desc nulls first limit 1`,
);
