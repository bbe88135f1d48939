import { statement } from '../connection/statement.js';
import { lockedGroups } from '../groups/group-locks.sql.js';
import { knownLanes } from '../lanes/known-lanes.sql.js';
import { NEW_LIFE } from './new-life.sql.js';
import { MAY_COME_IN, NOTED } from './noted.sql.js';
import { KEYS_ASKED } from '../places/keys.sql.js';
import { placed } from '../places/places.sql.js';
import { BEGUN, TURNED_OR_BLOCKED } from '../places/turns.sql.js';

/**
 * Stores jobs that may have to wait for more than their time: for their turn in an ordered group, or for a commit.
 *
 * The locks of the groups come first, in one order for all, and are held until the transaction ends: the numbers drawn under them
 * ($15, or the next ones) follow the order of the commits. Whether a job has its turn is decided by the insert into `head`, never by a
 * snapshot. While a dead job halts the queue, a new group begins with its turn vacant.
 * A group holds ordered jobs ($14) or plain ones: where a live job of the other kind is seen, nothing is stored and the groups come back
 * as `mixed`. It is asked by order, so that no planner takes another index than that of the groups. $16 is where an item is in the caller's array; $20 to $22 are $13 to $15 of `enqueue`, and conflicts are as there.
 */
export const ENQUEUE_HELD = statement(
  'enqueue_held',
  `with ${knownLanes('$22')},
  told as materialized (
    select u.* from unnest($2::uuid[], $3::int[], $4::int[], $5::smallint[], $6::timestamptz[], $7::float8[], $8::text[], $9::text[],
      $10::text[], $11::text[], $12::bytea[], $13::text[], $14::boolean[], $15::bigint[], $16::int[], $17::float8[], $18::boolean[], $19::text[], $21::boolean[]) with ordinality
      u(id, lane, queue, priority, at, delay_ms, unique_key, fingerprint, options, payload, payload_bytes, group_name, ordered, seq,
        position, commit_within_ms, fair, limit_key, given, sorted)
    where exists (select from known)),
  grouped as materialized (
    select distinct queue, group_name, ordered from told where group_name is not null),
  ${lockedGroups('select queue, group_name from grouped where ordered')},
  mixed as materialized (
    select g.group_name from grouped g where case when g.ordered
      then (select j.seq is null from (
        select seq from simple_queue.job where group_name = g.group_name and shard = $1 and queue = g.queue
        order by seq desc nulls first limit 1) j)
      else exists (select from simple_queue.head where group_name = g.group_name and shard = $1 and queue = g.queue offset 0) end),
  item as materialized (
    select g.*, greatest(g.now, coalesce(g.at, g.now + g.delay_ms * interval '1 millisecond')) as due,
      case when ordered then coalesce(seq, pg_catalog.nextval('simple_queue.turn')) end as turn,
      case when given then ${NEW_LIFE} else 0 end as epoch
    from (select i.*, coalesce($20::timestamptz, statement_timestamp()) as now from told i, (select count(*) from locked) l
      where not exists (select from mixed) order by position) g),
  ${NOTED},
  stored as (
    insert into simple_queue.job (id, shard, epoch, lane, queue, priority, run_at, unique_key, fingerprint, options, payload, payload_bytes,
      group_name, seq, commit_by, fair, limit_key)
    select id, $1, epoch, lane, queue, priority, due, unique_key, fingerprint, options::jsonb, payload::json, payload_bytes, group_name, turn,
      statement_timestamp() + commit_within_ms * interval '1 millisecond', nullif(fair, false), limit_key
    from item where ${MAY_COME_IN} order by sorted
    on conflict do nothing
    returning id, lane, queue, priority, run_at, epoch, group_name, seq, commit_by, fair, limit_key),
  ${BEGUN},
  turned as materialized (
    select distinct on (s.group_name, s.queue) s.id from stored s join begun b on b.group_name = s.group_name and b.queue = s.queue
    where s.seq is not null and not b.halted order by s.group_name, s.queue, s.seq),
  ${TURNED_OR_BLOCKED},
  ${placed('free', ['staged', 'ready', 'fair_ready', 'scheduled', 'keyed'])},
  ${KEYS_ASKED}
  select id, null as mixed from stored union all select null, group_name from mixed
  union all select null, null where not exists (select from known)`,
);
