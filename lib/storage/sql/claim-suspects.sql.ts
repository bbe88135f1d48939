import { statement } from '../statement.js';
import { CLAIMED_COLUMNS } from './claimed-columns.sql.js';

/** Claims at most $5 suspects of one degree; apart from the hot statement, which never sees them. */
export const CLAIM_SUSPECTS = statement(
  'claim_suspects',
  `with next as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(
      select s.ctid from unnest($3::int[]) q(lane)
      cross join lateral (
        select ctid from simple_queue.suspect where lane = q.lane and shard = $1 and suspicion = $4::smallint
        order by run_at, id limit $5::int for update skip locked) s
      limit $5::int))
    returning id, lane, run_at, epoch),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $6::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select ${CLAIMED_COLUMNS}
  from next n cross join lateral (select * from simple_queue.job where id = n.id and shard = $1 offset 0) j`,
);
