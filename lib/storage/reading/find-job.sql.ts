import { statement } from '../connection/statement.js';

/** Of a job of the view; where somebody has deleted the row of its lane or queue, what `Lanes.byNumber` says. */
export const LANE_OR_NONE = `coalesce(jobs.queue, 'unknown') as queue, coalesce(jobs.name, '') as name, coalesce(jobs.labels, '{}'::text[]) as labels`;

/** As ISO 8601, whatever the DateStyle of the session. */
const TIMES = ['created_at', 'run_at', 'cancel_at', 'finished_at', 'commit_by'].map(
  (column) => `pg_catalog.to_json(${column}) #>> '{}'::text[] as ${column}`,
);

const COLUMNS = `id, ${LANE_OR_NONE}, state, priority, attempt, stalls, reschedules, ${TIMES.join(', ')},
    run_ms, worker, unique_key, fingerprint, options, payload::text as payload, payload_bytes, output, last_error, history, group_name, progress`;

/** A live job. It runs in callers' transactions, too, under their settings: no partition but the default ones is locked until they end. */
export const FIND_LIVE = statement(
  'find_live',
  `select ${COLUMNS} from simple_queue.jobs where id = $1::uuid and jobs.expires_at is null`,
);

/** The job wherever it is: one statement, one snapshot (with two, a job that moves between them is found nowhere or twice). */
export const FIND_JOB = statement(
  'find_job',
  `select ${COLUMNS} from simple_queue.jobs where id = $1::uuid order by jobs.finished_at desc nulls first limit 1`,
);
