import { statement } from '../connection/statement.js';
import { BEHIND_SHARES, fairColumns, fairNext } from './claim-fair.sql.js';
import { placesThatFit } from './that-fit.sql.js';
import { WHOLE_JOBS } from './claimed-columns.sql.js';
import { ACCOMPANIED, OWN_CLAIMS } from './own-claims.sql.js';

const BEHIND_SERVED = `case when (select count(*) from next) < $5::int
    then (select group_name from seen where group_name in (select group_name from next) order by n desc limit 1)
    else (${BEHIND_SHARES}) end`;

/**
 * A pulled claim of one lane of a fair queue, and its lease ($2), as `pull_claim` creates them; in turn from its groups, as `claim_fair`.
 * As `pull_claim` no more than a thin line bears: where that is less, the next claim begins behind the last group that got any.
 * Nothing of a paused queue, and nothing for a worker ($6) that holds a lone suspect which has not had its time.
 */
export const PULL_CLAIM_FAIR = statement(
  'pull_claim_fair',
  `with recursive ${OWN_CLAIMS('$6')},
  room as materialized (
    select case when exists (select from own where is_alone) or exists (
      select from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where l.id = $3::int and q.paused_at is not null)
      then 0 else $5::int end as wanted),
  ${fairNext('(select wanted from room)', placesThatFit)},
  ${ACCOMPANIED('next')},
  claimed as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $2::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0),
  leased as (
    insert into simple_queue.lease (id, shard, worker, expires_at, lanes, jobs)
    select $2::uuid, $1, $6, statement_timestamp() + $7::float8 * interval '1 millisecond', array[$3::int], array_agg(id)
    from next having count(*) > 0)
  select ${fairColumns(WHOLE_JOBS, BEHIND_SERVED)}`,
);
