import { statement } from '../connection/statement.js';
import { isKeyed, withKey } from './changed-key.sql.js';

/**
 * Gives a dead letter another priority ($3) or payload ($4, $5), for the run that somebody will ask for; null leaves it as it is. The key of
 * the payload ($7, where $6) is read again, as in `change`. `changed` false: it is `refused`, or was revived meanwhile.
 */
export const CHANGE_DEAD = statement(
  'change_dead',
  `with target as materialized (
    select d.id, d.state, case when $3::smallint is not null and d.options ? 'ordered'::text then 'ordered'
      when $4::text is not null and not $6::boolean and (d.options ? 'limitKey'::text or ${isKeyed('l.queue')}) then 'keyed' end as refused
    from simple_queue.dead_letter d left join simple_queue.lane l on l.id = d.lane where d.shard = $1 and d.id = any($2::uuid[])),
  moved as (
    update simple_queue.dead_letter d set priority = coalesce($3::smallint, d.priority),
      payload = coalesce($4::text::json, d.payload), payload_bytes = coalesce($5::bytea, d.payload_bytes),
      options = ${withKey('d.options', '$6', '$7')}
    where d.shard = $1 and d.id = any(array(select id from target where refused is null)) returning d.id)
  select t.state, t.refused, exists (select from moved m where m.id = t.id) as changed from target t`,
);
