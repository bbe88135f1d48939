import { CLAIMED_COLUMNS, WHOLE_JOBS } from '../../storage/claim/claimed-columns.sql.js';
import { statement } from '../../storage/connection/statement.js';

/**
 * Claims the one job of these lanes ($3) that comes first by priority and time, wherever it is ready: in turn, of a fair queue, or as a
 * suspect. The first of each place is locked, and one of them taken; a rival's rows are passed by.
 */
export const CLAIM_NEXT = statement(
  'claim_next',
  `with seen as materialized (
    select s.* from unnest($3::int[]) q(lane) cross join lateral (
      select 'ready' as place, ctid as row, priority, run_at, id from simple_queue.ready
      where lane = q.lane and shard = $1 order by priority, run_at, id limit 1 for update skip locked) s
    union all
    select s.* from unnest($3::int[]) q(lane) cross join lateral (
      select 'fair', ctid, priority, run_at, id from simple_queue.fair_ready
      where lane = q.lane and shard = $1 order by priority, run_at, id limit 1 for update skip locked) s
    union all
    select 'suspect', s.row, j.priority, s.run_at, s.id from unnest($3::int[]) q(lane) cross join lateral (
      select ctid as row, run_at, id from simple_queue.suspect
      where lane = q.lane and shard = $1 order by run_at, id limit 1 for update skip locked) s
    cross join lateral (select priority from simple_queue.job where id = s.id and shard = $1 offset 0) j),
  chosen as materialized (select place, row from seen order by priority, run_at, id limit 1),
  from_ready as (
    delete from simple_queue.ready where shard = $1 and ctid = any(array(select row from chosen where place = 'ready'))
    returning id, lane, run_at, epoch),
  from_fair as (
    delete from simple_queue.fair_ready where shard = $1 and ctid = any(array(select row from chosen where place = 'fair'))
    returning id, lane, run_at, epoch),
  from_suspects as (
    delete from simple_queue.suspect where shard = $1 and ctid = any(array(select row from chosen where place = 'suspect'))
    returning id, lane, run_at, epoch),
  next as (select * from from_ready union all select * from from_fair union all select * from from_suspects),
  taken as (
    insert into simple_queue.claim (id, shard, lease, jobs, epochs)
    select $2::uuid, $1, $4::uuid, array_agg(id), array_agg(epoch) from next having count(*) > 0)
  select ${CLAIMED_COLUMNS}
  from next n ${WHOLE_JOBS}`,
);
