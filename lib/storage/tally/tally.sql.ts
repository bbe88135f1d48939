import { BUCKETS, TALLIED } from '../../observability/run-tally.js';
import { statement } from '../connection/statement.js';

const KEY = 'lane, shard, minute, grain, worker, expires_at';
const COLUMNS = `${KEY}, ${TALLIED.join(', ')}, wait, run`;

/** Buckets without a job are null, which takes no room. */
const addedUp = (column: string): string => `array(
      select nullif(coalesce(a, 0) + coalesce(b, 0), 0) from unnest(tally.${column}, excluded.${column}) with ordinality u(a, b, n) order by n)`;

/** A row of the same key has counted other runs of the same time. */
const ADD_UP = `on conflict (${KEY}) do update set
    ${TALLIED.map((column) => `${column} = tally.${column} + excluded.${column}`).join(', ')},
    wait = ${addedUp('wait')}, run = ${addedUp('run')}`;

/** The sums over a group of rows, by the names of their columns. */
function sums(type: 'bigint' | 'float8'): string {
  const numbers = TALLIED.map((column) => `sum(t.${column})::${type} as ${column}`);
  const buckets = ['wait', 'run'].map((column) => {
    const each = Array.from({ length: BUCKETS }, (_, n) => `nullif(sum(t.${column}[${n + 1}]), 0)`);
    return `array[${each.join(', ')}]::${type}[] as ${column}`;
  });
  return [...numbers, ...buckets].join(', ');
}

/**
 * What a process ($2) has counted of each lane ($4) in the last $3 milliseconds, in the minute of their middle, to be kept for $5. Rows of a
 * process are its own: nobody waits for anybody.
 */
export const WRITE_TALLY = statement(
  'write_tally',
  `with moment as materialized (
    select date_trunc('minute', statement_timestamp() - $3::float8 / 2 * interval '1 millisecond', 'UTC') as minute)
  insert into simple_queue.tally (${COLUMNS})
    select r.lane, $1, m.minute, 0, $2, m.minute + $5::float8 * interval '1 millisecond', ${TALLIED.map((column) => `r.${column}`).join(', ')}, r.wait, r.run
    from jsonb_to_recordset($4::jsonb) r(lane int, ${TALLIED.map((column) => `${column} bigint`).join(', ')}, wait bigint[], run bigint[])
    cross join moment m
  ${ADD_UP}`,
);

/** Each row as that of its lane, and as that of all lanes: who looks at everything reads a row a minute. */
const ALL_LANES = -1;
const OWN_AND_ALL = `(
        select ${COLUMNS} from gone union all
        select ${COLUMNS.replace('lane', `${ALL_LANES}`)} from gone)`;

/**
 * Sums up the oldest rows of a grain, those of a `unit`, into rows of the next one, once they are older than $2 milliseconds: of at most 5,000
 * lanes. One process does it at a time, and the others go on.
 */
const coarser = (grain: 0 | 1, unit: 'minute' | 'hour'): string => `with turn as materialized (
    select pg_try_advisory_xact_lock(hashtextextended('simple_queue.tally', 0)) as mine),
  oldest as materialized (
    select date_trunc('${unit}', min(minute), 'UTC') as since from simple_queue.tally
    where shard = $1 and grain = ${grain} and minute < date_trunc('${unit}', statement_timestamp() - $2::float8 * interval '1 millisecond', 'UTC')
      and (select mine from turn)),
  lanes as materialized (
    select distinct lane from simple_queue.tally where shard = $1 and grain = ${grain}
      and minute >= (select since from oldest) and minute < (select since from oldest) + interval '1 ${unit}' limit 5000),
  gone as (
    delete from simple_queue.tally where shard = $1 and grain = ${grain} and lane = any(array(select lane from lanes))
      and minute >= (select since from oldest) and minute < (select since from oldest) + interval '1 ${unit}'
    returning *),
  summed as (
    insert into simple_queue.tally (${COLUMNS})
      select t.lane, $1, o.since, ${grain + 1}, '', o.since + (t.expires_at - t.minute), ${sums('bigint')}
      from ${grain === 0 ? OWN_AND_ALL : 'gone'} t cross join oldest o group by t.lane, o.since, t.expires_at - t.minute
    ${ADD_UP})
  select count(*)::int as gone from gone`;

/** The rows of all processes. */
export const SUM_UP_WORKERS = statement('sum_up_workers', coarser(0, 'minute'));

/** The minutes of an hour. */
export const SUM_UP_MINUTES = statement('sum_up_minutes', coarser(1, 'hour'));

/**
 * What was counted from $2 to $3 in some lanes ($5, null: all), in steps of $4 milliseconds: a row for each in which something was. Of all
 * lanes there are sums, but for what was written just now.
 */
export const LIST_SERIES = statement(
  'list_series',
  `select floor(extract(epoch from t.minute)::float8 * 1000 / $4::float8) * $4::float8 as at, ${sums('float8')}
  from (
    (select * from simple_queue.tally where shard = $1 and minute >= $2::timestamptz and minute < $3::timestamptz
      and lane = any(coalesce($5::int[], '{${ALL_LANES}}'))) union all
    (select * from simple_queue.tally where $5::int[] is null and grain = 0 and shard = $1 and minute >= $2::timestamptz and minute < $3::timestamptz)) t
  group by 1 order by 1`,
);

/**
 * How the queues of a page ($3 behind $2) ran in the last hour, in steps of five minutes, from 0 to 11. The present minute is not written yet.
 */
export const LIST_RATES = statement(
  'list_rates',
  `with page as materialized (
    select id, name from simple_queue.queue where ($2::text is null or name > $2) order by name limit $3::int),
  moment as materialized (select date_trunc('minute', statement_timestamp(), 'UTC') - interval '1 hour' as since)
  select q.name as queue, floor(extract(epoch from t.minute - m.since) / 300)::int as step, sum(t.started)::float8 as started,
    sum(t.retried + t.failed + t.lost)::float8 as failed, sum(t.succeeded + t.retried + t.failed + t.lost + t.rescheduled + t.released + t.cancelled)::float8 as ended
  from page q cross join moment m join simple_queue.lane l on l.queue = q.id cross join lateral (
    select * from simple_queue.tally where lane = l.id and shard = $1 and minute >= m.since and minute < m.since + interval '1 hour' offset 0) t
  group by 1, 2`,
);

/** The same in one step, queue by queue: the $4 that worked most. */
export const LIST_BUSIEST = statement(
  'list_busiest',
  `select q.name as queue, ${sums('float8')}
  from simple_queue.tally t join simple_queue.lane l on l.id = t.lane join simple_queue.queue q on q.id = l.queue
  where t.shard = $1 and t.minute >= $2::timestamptz and t.minute < $3::timestamptz
  group by q.name order by sum(t.started) desc, q.name limit $4::int`,
);

/** How long runs of these lanes ($2) took in the last hour, at least: a bucket counts with its lower bound. */
export const LIST_RUN_TIMES = statement(
  'list_run_times',
  `select t.lane, sum(r.runs * case when r.n > 1 then 2 ^ (r.n - 2) else 0 end)::float8 / sum(r.runs)::float8 as ms
  from simple_queue.tally t cross join lateral unnest(t.run) with ordinality r(runs, n)
  where t.shard = $1 and t.lane = any($2::int[]) and t.minute >= statement_timestamp() - interval '1 hour' and r.runs > 0
  group by t.lane`,
);
