/**
 * What a claim answers of a job (place `n`, row `j`), in the order that the row mapper reads. What most jobs have not (a number
 * that is 0, a creation at another time than the run) is null: it costs neither the server a conversion nor the client a string.
 */
export const CLAIMED_COLUMNS = `n.id, n.lane, nullif(n.epoch, 0), nullif(j.priority, 0), n.run_at::text, nullif(j.attempt, 0), nullif(j.stalls, 0),
  nullif(j.reschedules, 0), nullif(j.suspicion, 0), nullif(j.created_at, n.run_at)::text, j.cancel_at::text, j.unique_key, j.fingerprint,
  j.options, j.payload, j.payload_bytes, j.last_error`;

/** A row of that shape that says: the run `u.id` no longer held its job. */
export const LOST_COLUMNS = 'u.id, -1, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null';
