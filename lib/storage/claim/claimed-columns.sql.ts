/**
 * What a claim answers of a job (place `n`, row `j`), in the order that the row mapper reads. What most jobs have not (a number
 * that is 0, a creation at another time than the run) is null: it costs neither the server a conversion nor the client a string.
 *
 * Of a heavy job it answers the weight: a blank and a number where the payload would be. `fetch` brings what was left behind.
 * Of a stray it answers the job's own lane: its place is not that of the job, and nobody may run it.
 */
export const claimedColumns = (
  n: string,
  j: string,
  runAt = `${n}.run_at`,
): string => `${n}.id, ${n}.lane, nullif(${n}.epoch, 0), nullif(${j}.priority, 0), ${runAt}::text, nullif(${j}.attempt, 0), nullif(${j}.stalls, 0),
  nullif(${j}.reschedules, 0), nullif(${j}.suspicion, 0), nullif(${j}.created_at, ${runAt})::text, ${j}.cancel_at::text, ${j}.unique_key, ${j}.fingerprint,
  case when ${j}.large[2] is null then ${j}.options else ${j}.options - '{headers,checkpoint}'::text[] end,
  case when ${j}.large is null then ${j}.payload else ${j}.large[1] end,
  case when ${j}.large[2] is null then ${j}.payload_bytes end, case when ${j}.large[2] is null then ${j}.last_error end, ${j}.own_lane`;

export const CLAIMED_COLUMNS = claimedColumns('n', 'j');

/** A row of that shape that says: the run `u.id` no longer held its job. */
export const LOST_COLUMNS =
  'u.id, -1, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null';

/** No more than is answered: where something is worked out beside them each column is copied. */
const READ =
  'priority, attempt, stalls, reschedules, suspicion, created_at, cancel_at, unique_key, fingerprint, options, payload, payload_bytes, last_error';
const COLUMNS = ['payload', 'payload_bytes', 'options', 'last_error'];

/** Bytes of a job as it lies, perhaps compressed: told without reading it. */
export const LIES = COLUMNS.map((column) => `coalesce(pg_column_size(${column}), 0)`).join(' + ');

const BESIDE = `2 * coalesce(octet_length(payload_bytes), 0) + coalesce(octet_length(options::text), 0) + coalesce(octet_length(last_error::text), 0)`;

/** On the wire. What is compressed is read for it. */
export const WEIGHT = `coalesce(octet_length(payload::text), 0) + ${BESIDE}`;

/** Of so few bytes nothing large can be made that matters (pglz: some ninety times as much). */
const SMALL = 1_000;

/** What one of `limit` jobs may weigh: so many bytes in all (128 KiB), at most an eighth of them, and always 4 KiB. */
export const share = (limit: string, bytes = '131072'): string =>
  `greatest(4096, ${bytes}::int / greatest(8, ${limit}::int))`;

/**
 * The rows `j` of the jobs `n`; those above `bytes` are heavy. So the answer of a claim has a bound that thin lines let through, whatever
 * lies in its rows, and small jobs do not wait for large ones beside them. Only what may be above it once it is uncompressed is read, and
 * read once: an array of its payload has the size that it would have on the wire. Of a heavy job its weight is in the payload's place.
 */
export const claimedJobs = (bytes: string, how = 'offset 0', more = ''): string =>
  jobs(
    `case when greatest(${COLUMNS.map((column) => `pg_column_size(${column})`).join(', ')}) > ${SMALL}
      then (select case when weight > ${bytes} then array[(' ' || weight)::json, 'true'] else read end
        from (select read, case when read is null then ${LIES} else pg_column_size(read) + ${BESIDE} end as weight
          from (select case when ${LIES} <= ${bytes} then array[payload] end as read offset 0) r offset 0) w) end`,
    how,
    more,
  );

/**
 * A place repeats the lane, the epoch and the time of its job. Whoever may insert into places can make others: for another lane, whose
 * handler would run the job, for a job that is not due, or for a run that is over.
 */
const OWN_LANE = 'case when lane <> n.lane or epoch <> n.epoch or run_at <> n.run_at then lane end';

/** The same with all that they hold. */
export const WHOLE_JOBS = jobs('null::json[]');

function jobs(large: string, how = 'offset 0', more = ''): string {
  return `cross join lateral (select ${READ}${more}, ${OWN_LANE} as own_lane, ${large} as large
      from simple_queue.job where id = n.id and shard = $1 ${how}) j`;
}
