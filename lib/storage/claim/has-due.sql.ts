import { statement } from '../connection/statement.js';
import { IN_CLAIMS, fenced } from '../places/held.sql.js';
import { MAY_RUN, inLane } from '../places/places.sql.js';
import { ALL_LIVE } from '../staged/take-dependents.sql.js';
import { lives } from '../workflows/awaited.sql.js';
import { isHalted } from '../groups/vacant-queues.sql.js';

/** Does anything of these lanes ($2) run, or could it run now or as soon as a vacant turn or a permit is handed on, or a workflow moved on? Looks no further than the first row. */
export const HAS_DUE = statement(
  'has_due',
  `select exists (select from unnest($2::int[]) q(lane) cross join lateral (
      ${inLane(MAY_RUN, 'q.lane', { limit: '1' })}) s)
    or exists (select from simple_queue.scheduled where shard = $1 and run_at <= statement_timestamp() and lane = any($2::int[]))
    or exists (select from (
        select distinct queue from simple_queue.lane where id = any($2::int[])) q
      cross join lateral (select ${isHalted('q.queue')} as halted offset 0) h
      cross join lateral (
        select group_name from simple_queue.vacant where queue = q.queue and shard = $1 and not h.halted offset 0) v
      cross join lateral (
        select lane from simple_queue.blocked where group_name = v.group_name and shard = $1 and queue = q.queue limit 1) b
      where b.lane = any($2::int[]))
    or exists (select from simple_queue.key_change k cross join lateral (
        select lane from simple_queue.keyed where limit_key = k.limit_key and shard = $1 and queue = k.queue limit 1) w
      where k.shard = $1 and k.due_at <= statement_timestamp() and w.lane = any($2::int[]))
    or exists (select from ${IN_CLAIMS}
      ${fenced('lane', 'offset 0')}
      where c.shard = $1 and j.lane = any($2::int[]))
    or exists (select from simple_queue.arrival a left join simple_queue.step t on t.id = a.job and t.shard = $1
      where a.shard = $1 and not (a.kind = 'wait' and (${lives('t.awaits')})) and not (a.kind = 'depend' and ${ALL_LIVE})) as due`,
);
