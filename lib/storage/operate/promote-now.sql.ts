import { statement } from '../connection/statement.js';
import { KEYS_ASKED } from '../places/keys.sql.js';
import { isPlaceOf, placed } from '../places/places.sql.js';

/** Makes scheduled jobs ready now. The place row is locked first and decides, as in `cancel`; no row back: it was not scheduled. */
export const PROMOTE_NOW = statement(
  'promote_now',
  `with target as materialized (
    select id, run_at from simple_queue.job where shard = $1 and id = any($2::uuid[])),
  unscheduled as (
    delete from simple_queue.scheduled where shard = $1 and ctid = any(array(
      select p.ctid from target t cross join lateral (
        select ctid from simple_queue.scheduled p where ${isPlaceOf('scheduled', 't')} for update) p)) returning id),
  moved as (
    update simple_queue.job set run_at = statement_timestamp()
    where shard = $1 and id = any(array(select id from unscheduled)) returning id, lane, queue, priority, run_at, epoch, suspicion, group_name, fair, limit_key),
  ${placed('moved', ['ready', 'fair_ready', 'suspect', 'keyed'])},
  ${KEYS_ASKED}
  select id, lane, fair, suspicion > 0 as later, limit_key is not null as keyed from moved`,
);
