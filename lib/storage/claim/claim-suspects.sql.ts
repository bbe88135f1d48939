import { statement } from '../connection/statement.js';
import { CLAIMED_COLUMNS, claimedJobs, share } from './claimed-columns.sql.js';

/**
 * Claims suspects, at most $8 of them and $4 of each lane: those that run apart ($5 and $6 are 1 and 2), or a lone one (from 3 on), with all
 * that it holds, since nothing may happen before it runs. Apart from
 * the hot statement, which never sees them.
 */
export const CLAIM_SUSPECTS = statement(
  'claim_suspects',
  `with next as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select s.ctid from unnest($3::int[], $4::int[]) q(lane, wanted)
      cross join lateral (
        select ctid from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion >= $5::smallint and suspicion <= $6::smallint
        order by suspicion, run_at, id limit q.wanted for update skip locked) s
      limit $8::int))
    returning id, lane, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $7::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select ${CLAIMED_COLUMNS}
  from (select * from next order by run_at, id) n ${claimedJobs(`case when $5::smallint < 3 then ${share('$8')} else 2147483647 end`)}`,
);
