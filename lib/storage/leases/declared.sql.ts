import { SAID_MS } from '../../job/lane.js';

/** In seconds: before it is too late, and not each time. */
const REPEATED = SAID_MS / 2_000;
/** What was said before is forgotten. */
const MONTH = 30 * 86_400;

const NOW = 'extract(epoch from statement_timestamp())::float8';

/**
 * Members of a `with`: queues of these lanes have what their worker says of ends by name in `policies`, with a default at ''. `kept` there is for
 * how long jobs were kept by any worker, and when that was said last: the latest word is not that of every run. Where another transaction
 * writes the queue it is left for the next time.
 */
export const declared = (lanes: string, policies: string): string => `said as materialized (
    select q.id, u.policy || jsonb_build_object('kept', k.others || jsonb_build_object(k.ms, ${NOW})) as policy
    from simple_queue.queue q
    cross join lateral (select coalesce(${policies}::jsonb -> q.name, ${policies}::jsonb -> '') as policy) u
    cross join lateral (
      select least(coalesce((u.policy ->> 'archive')::float8, 0), (u.policy ->> 'deadLetter')::float8)::numeric::text as ms,
        coalesce((select jsonb_object_agg(key, value) from jsonb_each(q.policy -> 'kept') where value::float8 > ${NOW} - ${MONTH}), '{}') as others) k
    where q.id = any(array(select queue from simple_queue.lane where id = any(${lanes}::int[])))
      and u.policy is not null and (u.policy <> q.policy - 'kept' or coalesce((q.policy -> 'kept' ->> k.ms)::float8, 0) < ${NOW} - ${REPEATED})
    for no key update of q skip locked),
  declared as (update simple_queue.queue q set policy = s.policy from said s where q.id = s.id)`;
