import { statement } from '../connection/statement.js';
import { permitsAskedAnew } from '../places/keys.sql.js';
import { isKeyed, withKey } from './changed-key.sql.js';
import { isPlaceOf, placed, unplaced } from '../places/places.sql.js';

const MOVABLE = ['ready', 'fair_ready', 'scheduled', 'suspect', 'keyed'] as const;

/** $5 and an ordered job do not fit: its turn is its order. Nor another payload and a key, where the caller does not know how to read it ($8 false). */
const REFUSED = `case when $5::smallint is not null and seq is not null then 'ordered'
      when $6::text is not null and not $8::boolean and (limit_key is not null or ${isKeyed('job.queue')}) then 'keyed' end`;

/**
 * Gives a waiting job another time ($3, or $4 ms from now), priority ($5) or payload ($6, $7), and the key of that payload ($9, where $8); null leaves it as it is (bytes go where $10). The place row is locked first and
 * decides, as in `cancel`; a blocked or staged job keeps its place, a blocked one at a new epoch: what was read ahead of it is not claimed (of staged ones nothing is, and their epoch is known elsewhere). Neither attempts nor history are touched. In callers' transactions, too.
 * `changed` false: it does not wait, has moved meanwhile, or is `refused`.
 */
export const CHANGE = statement(
  'change',
  `with target as materialized (
    select id, lane, priority, run_at, suspicion, group_name, queue, seq, fair, commit_by, limit_key, ${REFUSED} as refused,
      case when $3::timestamptz is null and $4::float8 is null then run_at
        else greatest(statement_timestamp(), coalesce($3::timestamptz, statement_timestamp() + $4::float8 * interval '1 millisecond')) end as due
    from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  asked as materialized (select * from target where refused is null),
  ${unplaced('asked', MOVABLE)},
  held as materialized (
    select t.id, 'blocked' as place from asked t cross join lateral (
      select id from simple_queue.blocked p where ${isPlaceOf('blocked', 't')} for update) p
    union all
    select t.id, 'staged' from asked t cross join lateral (
      select id from simple_queue.job where id = t.id and shard = $1 for update) j cross join lateral (
      select id from simple_queue.staged p where ${isPlaceOf('staged', 't')} for update) p where t.commit_by is not null),
  waiting as materialized (
    select id from unready union all select id from unfair union all select id from unscheduled union all select id from unsuspected
    union all select id from unkeyed union all select id from held),
  stamped as (
    update simple_queue.blocked set epoch = epoch + 1
    where shard = $1 and group_name = any(array(select group_name from asked)) and queue = any(array(select queue from asked))
      and seq = any(array(select seq from asked where commit_by is null)) and id = any(array(select id from held where place = 'blocked')) returning id),
  moved as (
    update simple_queue.job j set epoch = j.epoch + (j.id = any(array(select id from stamped)))::int, run_at = t.due, priority = coalesce($5::smallint, j.priority),
      payload = coalesce($6::text::json, j.payload), payload_bytes = case when $10::boolean then $7::bytea else coalesce($7::bytea, j.payload_bytes) end,
      limit_key = case when $8::boolean then $9::text else j.limit_key end, options = ${withKey('j.options', '$8', '$9')}
    from asked t
    where j.shard = $1 and j.id = any(array(select id from waiting)) and t.id = j.id
    returning j.id, j.lane, j.queue, j.priority, j.run_at, j.epoch, j.suspicion, j.group_name, j.fair, j.commit_by, j.limit_key),
  free as materialized (select * from moved where id not in (select id from held)),
  ${placed('free', ['scheduled', 'suspect', 'fair_ready', 'ready', 'keyed'])},
  ${permitsAskedAnew('(select a.id, a.limit_key from free f join asked a on a.id = f.id) t')}
  select t.lane, t.fair, t.limit_key is not null as "wasKeyed", m.limit_key is not null as keyed, m.suspicion > 0 as suspect, t.refused, m.id is not null as changed,
    case when m.commit_by is not null then 'staged' when h.id is not null then 'blocked' when m.run_at > statement_timestamp() then 'scheduled'
      when m.limit_key is not null then 'blocked'
      else 'ready' end as state
  from target t left join moved m on m.id = t.id left join held h on h.id = t.id`,
);
