import { insertion, type Statement } from '../connection/statement.js';
import { NO_FINGERPRINT, NO_OPTIONS, UNTOUCHED, UNTOUCHED_VALUES } from './new-row.sql.js';

/** One look by primary key: 5 to 8 µs. Where the database does not know the lane (any more), nothing is stored, and no row is counted. */
const KNOWN = `from simple_queue.lane where id = $3 and unused_at is null`;

/** How a job's own values are given; `next`: the parameter behind them. */
interface Form {
  values: string;
  next: number;
}
const WHOLE: Form = { values: '$6::text, $7::jsonb, $8::json, $9::bytea', next: 10 };
/** Without a fingerprint, options and bytes: the server compiles no checks of their domains. */
const BARE: Form = { values: `${NO_FINGERPRINT}, ${NO_OPTIONS}, $6::json, null`, next: 7 };

/** A statement in both forms: most jobs are bare, and take a fifth less of the server's time. */
const forms = (name: string, text: (form: Form) => string): [Statement, Statement] => [
  insertion(name, text(WHOLE)),
  insertion(`${name}_bare`, text(BARE)),
];

const counted = (both: [Statement, Statement]) =>
  both.map((each) => ({ ...each, isCounted: true })) as typeof both;

const stored = ({ values }: Form): string => `stored as (
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, fingerprint, options, payload, payload_bytes,
      ${UNTOUCHED})
    select $2::uuid, $1::smallint, $3::int, $4::int, $5::smallint, statement_timestamp(), ${values},
      ${UNTOUCHED_VALUES} ${KNOWN}`;

const readied = (form: Form): string =>
  `with ${stored(form)} returning id, run_at, epoch) insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
  select $3::int, $1::smallint, $5::smallint, run_at, id, epoch from stored`;

/**
 * The hot form for a single job: no array, no function scan, no second reading of the row. Beside `enqueue_plain` it takes half the
 * server's time, and most enqueues are of one job.
 */
export const [ENQUEUE_ONE, ENQUEUE_ONE_BARE] = counted(forms('enqueue_one', readied));

/** The same with its wake-up, which leaves with the commit and costs no statement and no commit of its own. Not in callers' transactions. */
export const [ENQUEUE_ONE_AND_NOTIFY, ENQUEUE_ONE_AND_NOTIFY_BARE] = counted(
  forms(
    'enqueue_one_and_notify',
    (form) =>
      `${readied(form)} where pg_catalog.pg_notify($${form.next}, $${form.next + 1}) is not null`,
  ),
);

/** The same for a worker that runs it at once: claimed by it (first parameter behind the job's, under the lease in the second) instead of ready for all. */
export const [ENQUEUE_CLAIMED, ENQUEUE_CLAIMED_BARE] = forms(
  'enqueue_claimed',
  (form) => `with ${stored(form)} returning run_at),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $${form.next}::uuid, $1::smallint, $${form.next + 1}::uuid, array[$2::uuid], array[0] ${KNOWN})
  select run_at::text as "runAt" from stored`,
);
