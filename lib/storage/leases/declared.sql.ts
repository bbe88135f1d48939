import { SAID_MS } from '../../job/lane.js';

/** In seconds: before it is too late, and not each time. */
const REPEATED = SAID_MS / 2_000;
/** What was said before is forgotten. */
const MONTH = 30 * 86_400;
/** Three repeats of a worker's word: whoever was asked and has said nothing for so long is gone. */
const SILENT_S = 180;

const NOW = 'extract(epoch from statement_timestamp())::float8';

/** By the database's clock, when the process first said something: `by` itself, or now. */
const saidBy = (by: string): string => `coalesce(${by}::float8, ${NOW})`;

interface Words {
  lanes: string;
  policies: string;
  by: string;
}

/** Queues `q` of these lanes, and `u`: what this worker says, what holds, since when whoever said it has lived, and when an older one asked for it. */
const spoken = ({ policies, by }: Words): string => `simple_queue.queue q
    cross join lateral (
      select coalesce(${policies}::jsonb -> q.name, ${policies}::jsonb -> '') as policy, q.policy - '{kept,by,asked}'::text[] as held,
        ${saidBy(by)} as me, coalesce((q.policy ->> 'by')::float8, 0) as by, (q.policy ->> 'asked')::float8 as asked) u`;

const IN_LANES = ({ lanes }: Words): string =>
  `q.id = any(array(select queue from simple_queue.lane where id = any(${lanes}::int[])))`;

const MAY_SPEAK = `(u.me >= u.by or u.asked < ${NOW} - ${SILENT_S})`;

/**
 * Members of a `with`: queues of these lanes have what their worker says of ends by name in `policies`, with a default at ''. The word of a younger
 * process holds: an older one asks, and has its own word where nobody who says the other has replied. `kept` there is for how long jobs were
 * kept by any worker, and when that was said last: the latest word is not that of every run. Where another transaction writes the queue it
 * is left for the next time.
 */
export const declared = (words: Words): string => `said as materialized (
    select q.id, w.policy || jsonb_build_object('kept', k.others || jsonb_build_object(k.ms, ${NOW})) as policy
    from ${spoken(words)}
    cross join lateral (
      select case
        when u.policy = u.held and (u.asked is null or u.me < u.by) then q.policy
        when u.policy = u.held or ${MAY_SPEAK} then u.policy || jsonb_build_object('by', u.me)
        else q.policy || jsonb_build_object('asked', coalesce(u.asked, ${NOW})) end as policy) w
    cross join lateral (
      select least(coalesce((u.policy ->> 'archive')::float8, 0), (u.policy ->> 'deadLetter')::float8)::numeric::text as ms,
        coalesce((select jsonb_object_agg(key, value) from jsonb_each(q.policy -> 'kept') where value::float8 > ${NOW} - ${MONTH}), '{}') as others) k
    where ${IN_LANES(words)} and u.policy is not null
      and (w.policy - 'kept' is distinct from q.policy - 'kept' or coalesce((q.policy -> 'kept' ->> k.ms)::float8, 0) < ${NOW} - ${REPEATED})
    for no key update of q skip locked),
  declared as (update simple_queue.queue q set policy = s.policy from said s where q.id = s.id)`;

/** When this process first said something, and queues for which a younger one says otherwise: a hundred are enough for a warning. */
export const overruled = (words: Words): string => `${saidBy(words.by)} as by,
    (select jsonb_agg(jsonb_build_object('queue', name, 'policy', held)) from (
      select q.name, u.held from ${spoken(words)}
      where ${IN_LANES(words)} and u.policy <> u.held and ${MAY_SPEAK} is not true order by q.name limit 100) o) as overruled`;
